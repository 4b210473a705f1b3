"""How fast `filmgate gap measure` reads traces, against `orjson` alone on the same file.

    python -m bench.gap            1,000,000 spans, about 2 GB of OTLP/JSON Lines
    python -m bench.gap --quick    50,000 spans

The file is made here, once: runs of a six-step pipeline with two verifiers and retries, chat spans
inside the agents' spans, messages as attributes, spans of several runs mixed in each export
request. Both arms read it from the page cache in a process of their own; wall and CPU seconds and
the peak memory of each are told. Must: at most 3 times the time of `orjson`, under 1 GB.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from bench import footage, tables

STEPS: Final = ("brief", "research", "script", "verify_script", "storyboard", "render",
                "verify_render", "package")  # fmt: skip
YIELDS: Final = {"brief": 0.99, "research": 0.97, "script": 0.92, "storyboard": 0.98,
                 "render": 0.91, "package": 0.97}  # fmt: skip
SEGMENT: Final = {"verify_script": 0, "verify_render": 4}
"""Where a flag of each verifier sends the item back to, as an index of STEPS."""
ATTEMPTS: Final = 3
AUDITED: Final = 0.2
REQUEST_SPANS: Final = 60
TOGETHER: Final = 8
"""Runs whose spans are mixed in a request."""
TIMES, MEMORY_MB = 3.0, 1000


class Cost(NamedTuple):
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    told: str


class Maker:
    """Spans of one run after another, seeded."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        words = ["shot", "light", "harbour", "jacket", "cut", "frame", "dawn", "door", "take"]
        self.prose = " ".join(self.random.choice(words) for _ in range(4000))
        self.now = 1_788_253_200_000_000_000

    def text(self, size: int) -> str:
        start = self.random.randrange(len(self.prose) - size)
        return self.prose[start : start + size]

    def run(self) -> list[dict[str, Any]]:
        trace, root = f"{self.random.getrandbits(128):032x}", f"{self.random.getrandbits(64):016x}"
        self.now += 1_000_000
        start = clock = self.now
        audited, good, at, attempts = self.random.random() < AUDITED, True, 0, 0
        spans: list[dict[str, Any]] = []
        while at < len(STEPS):
            step, clock = STEPS[at], clock + 500_000_000
            if step in SEGMENT:
                flag = self.random.random() < (0.9 if not good else 0.04)
                spans += self.agent(trace, root, step, clock, ("verify", not flag))
                attempts += 1
                if flag and attempts < ATTEMPTS:
                    at, good = SEGMENT[step], True
                    continue
                attempts = 0
            else:
                good = good and self.random.random() < YIELDS[step]
                label = ("step_correct", good) if audited else None
                spans += self.agent(trace, root, step, clock, label)
            at += 1
        whole = self.span(trace, root, "", "invoke_workflow film", start, clock + 1, {
            "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "film",
            "gen_ai.input.messages": self.text(1500),
        }, ("final_correct", good))  # fmt: skip
        return [*spans, whole]

    def agent(
        self, trace: str, root: str, step: str, at: int, label: tuple[str, bool] | None
    ) -> list[dict[str, Any]]:
        own = f"{self.random.getrandbits(64):016x}"
        common = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1",
                  "gen_ai.conversation.id": trace[:12], "server.address": "api.example.com",
                  "gen_ai.usage.input_tokens": self.random.randrange(2000),
                  "gen_ai.usage.output_tokens": self.random.randrange(500)}  # fmt: skip
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": step,
                 "gen_ai.agent.id": f"asst_{step}", **common,
                 "gen_ai.output.messages": self.text(1100)}  # fmt: skip
        chat = {"gen_ai.operation.name": "chat", "gen_ai.response.id": f"chatcmpl-{own}",
                "gen_ai.response.model": "gpt-4.1-2025-04-14", "gen_ai.request.temperature": 0.2,
                **common, "gen_ai.input.messages": self.text(600),
                "gen_ai.output.messages": self.text(500)}  # fmt: skip
        inner = f"{self.random.getrandbits(64):016x}"
        return [
            self.span(trace, inner, own, "chat gpt-4.1", at + 1000, at + 400_000_000, chat, None),
            self.span(trace, own, root, f"invoke_agent {step}", at, at + 410_000_000, agent, label),
        ]

    def span(
        self, trace: str, own: str, parent: str, name: str, start: int, end: int,
        attributes: dict[str, Any], label: tuple[str, bool] | None,
    ) -> dict[str, Any]:  # fmt: skip
        made: dict[str, Any] = {
            "traceId": trace, "spanId": own, "parentSpanId": parent, "name": name, "kind": 1,
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(end),
            "attributes": [{"key": k, "value": _value(v)} for k, v in attributes.items()],
            "status": {"code": 1},
        }  # fmt: skip
        if label is not None:
            name, good = label
            said = {
                "gen_ai.evaluation.name": name,
                "gen_ai.evaluation.score.label": "pass" if good else "fail",
                "gen_ai.evaluation.score.value": float(good),
            }
            made["events"] = [{
                "timeUnixNano": str(end), "name": "gen_ai.evaluation.result",
                "attributes": [{"key": k, "value": _value(v)} for k, v in said.items()],
            }]  # fmt: skip
        return made


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}


def requests(spans: int, seed: int = 1) -> Iterator[bytes]:
    """Export requests of `spans` spans in all, one per line."""
    maker, made = Maker(seed), 0
    waiting: list[dict[str, Any]] = []
    resource_of = {"attributes": [{"key": "service.name", "value": {"stringValue": "film"}}]}
    while made < spans:
        together = [maker.run() for _ in range(TOGETHER)]
        longest = max(map(len, together))
        waiting += [run[n] for n in range(longest) for run in together if n < len(run)]
        while len(waiting) >= REQUEST_SPANS and made < spans:
            batch, waiting = waiting[:REQUEST_SPANS], waiting[REQUEST_SPANS:]
            made += len(batch)
            scope = {"scope": {"name": "bench", "version": "1"}, "spans": batch}
            yield orjson.dumps(
                {"resourceSpans": [{"resource": resource_of, "scopeSpans": [scope]}]}
            )


def file(spans: int) -> Path:
    """The file of `spans` spans, made if it is not there."""
    path = footage.OUT / "cache" / f"gap-{spans}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        with partial.open("wb") as out:
            for request in requests(spans):
                out.write(request + b"\n")
        partial.rename(path)
    return path


PARSE = """
import sys, orjson
for line in open(sys.argv[1], "rb"):
    orjson.loads(line)
"""
MEASURE = """
import sys
from filmgate.gap import measure
report = measure([sys.argv[1]])
print(f"{report.traces:,} traces, end to end {report.numbers.end_to_end.value:.4f}")
"""
IMPORT = "import filmgate.gap"


def cost(program: str, *arguments: str) -> Cost:
    """What a program takes in a process of its own."""
    watched = (
        "import resource, sys, time\n"
        "program = sys.argv.pop(1)\n"
        "wall, cpu = time.monotonic(), time.process_time()\n"
        "exec(program)\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3\n"
        "print(time.monotonic() - wall, time.process_time() - cpu, peak)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watched, program, *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    *told, last = done.stdout.strip().splitlines()
    wall, cpu, peak = map(float, last.split())
    return Cost(wall, cpu, peak, " ".join(told))


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(c.wall_s for c in costs),
        statistics.median(c.cpu_s for c in costs),
        max(c.peak_mb for c in costs),
        costs[-1].told,
    )


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="50,000 spans; shows that it runs")
    parser.add_argument("--repeats", type=int, default=3, help="of each arm, taken in turn")
    given = parser.parse_args()
    spans = 50_000 if given.quick else 1_000_000
    path = file(spans)
    plain: list[Cost] = []
    ours: list[Cost] = []
    for _ in range(given.repeats):
        plain.append(cost(PARSE, str(path)))
        ours.append(cost(MEASURE, str(path)))
    imported = _median([cost(IMPORT) for _ in range(5)])
    a, b = _median(plain), _median(ours)
    rows = [
        ["orjson alone", a.wall_s, 1.0, a.cpu_s, 1.0, round(a.peak_mb)],
        ["filmgate gap measure", b.wall_s, b.wall_s / a.wall_s, b.cpu_s, b.cpu_s / a.cpu_s,
         round(b.peak_mb)],
    ]  # fmt: skip
    head = ["", "wall s", "÷ orjson", "CPU s", "÷ orjson (CPU)", "peak MB"]
    kept = b.cpu_s <= TIMES * a.cpu_s and b.peak_mb < MEMORY_MB
    tables.write("gap", "\n".join([
        "# Gap", "", f"{tables.machine()}; {given.repeats} repeats in turn (medians).", "",
        f"## {spans:,} spans, {path.stat().st_size / 1e9:.2f} GB of OTLP/JSON Lines", "",
        tables.table(head, rows),
        f"{b.told}. Must: {TIMES:.0f} times orjson, {MEMORY_MB:,} MB; "
        f"{'kept' if kept else 'MISSED'} (by CPU, which other processes on the machine touch "
        f"least).", "",
        f"`import filmgate.gap` takes {imported.wall_s:.3f} s (must: 0.3), peak "
        f"{imported.peak_mb:.0f} MB.", "",
    ]))  # fmt: skip
    if not kept and not given.quick:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
