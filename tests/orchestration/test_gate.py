from __future__ import annotations

import asyncio
from typing import Any

import pytest

from filmgate.orchestration.gate import SequenceGate, Told


def gate(verdicts: dict[str, tuple[str, float]], seen: list[dict[str, str]]) -> SequenceGate:
    def compare(sequence: str, lineup: Any) -> dict[str, dict[str, Any]]:
        seen.append(dict(lineup))
        out = {}
        for shot, take in lineup.items():
            word, score = verdicts.get(take, ("circle", 0.1))
            out[shot] = {"verdict": word, "score": score, "findings": []}
        return out

    async def run(call: Any, *args: Any) -> Any:
        await asyncio.sleep(0)
        return call(*args)

    return SequenceGate("one", ["1A", "1B", "1C"], compare, run)


def test_nobody_is_compared_before_all_have_arrived() -> None:
    seen: list[dict[str, str]] = []

    async def play() -> list[Told]:
        made = gate({}, seen)
        for shot in ("1A", "1B"):
            made.enter(shot)
        made.stands("1C", "1C-1")
        first = asyncio.create_task(made.verdict("1A", ["1A-1"]))
        await asyncio.sleep(0.01)
        assert not first.done()
        assert seen == []
        second = asyncio.create_task(made.verdict("1B", ["1B-1"]))
        return [await first, await second]

    told = asyncio.run(play())
    assert [t.take for t in told] == ["1A-1", "1B-1"]
    assert seen == [{"1A": "1A-1", "1B": "1B-1", "1C": "1C-1"}]


def test_one_that_leaves_is_not_waited_for() -> None:
    seen: list[dict[str, str]] = []

    async def play() -> Told:
        made = gate({}, seen)
        made.enter("1A")
        made.enter("1B")
        waiting = asyncio.create_task(made.verdict("1A", ["1A-1"]))
        await asyncio.sleep(0.01)
        made.leave("1B")
        return await waiting

    assert asyncio.run(play()).take == "1A-1"
    assert seen == [{"1A": "1A-1"}]


def test_the_best_candidate_is_chosen_and_compared_once_more() -> None:
    seen: list[dict[str, str]] = []

    async def play() -> list[Told]:
        made = gate({"1A-2": ("retake", 0.9), "1B-1": ("escalate", 0.5)}, seen)
        made.enter("1A")
        made.enter("1B")
        return list(
            await asyncio.gather(
                made.verdict("1A", ["1A-1", "1A-2"]), made.verdict("1B", ["1B-1", "1B-2"])
            )
        )

    assert [t.take for t in asyncio.run(play())] == ["1A-1", "1B-2"]
    assert seen[-1] == {"1A": "1A-1", "1B": "1B-2"}
    assert len(seen) == 3


def test_a_failing_comparison_reaches_everybody_who_waits() -> None:
    async def play() -> list[Any]:
        def compare(sequence: str, lineup: Any) -> Any:
            raise OSError("disk full")

        async def run(call: Any, *args: Any) -> Any:
            return call(*args)

        made = SequenceGate("one", ["1A", "1B"], compare, run)
        for shot in ("1A", "1B"):
            made.enter(shot)
        tasks = [made.verdict(s, [f"{s}-1"]) for s in ("1A", "1B")]
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(e, OSError) for e in asyncio.run(play()))


@pytest.mark.parametrize("rounds", [2])
def test_rounds_follow_one_another(rounds: int) -> None:
    seen: list[dict[str, str]] = []

    async def shot(made: SequenceGate, name: str) -> None:
        for number in range(1, rounds + 1):
            await made.verdict(name, [f"{name}-{number}"])
        made.leave(name)

    async def play() -> None:
        made = gate({}, seen)
        for name in ("1A", "1B", "1C"):
            made.enter(name)
        await asyncio.gather(*(shot(made, n) for n in ("1A", "1B", "1C")))

    asyncio.run(play())
    assert len(seen) == rounds
