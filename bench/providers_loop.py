"""The shipped brief through the whole loop with each provider, against its loopback server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench.loopback.google import Google
from bench.loopback.openai_videos import MODEL, OpenAIVideos
from bench.loopback.runway import Runway
from filmgate.loop.facade import Orders
from filmgate.settings import Settings
from filmgate.story import template
from filmgate.studio import Studio

SHOTS = 4
FAST = "poll_s = 0.05\npoll_after_s = 0.0\n"


class Case(NamedTuple):
    """One provider's model, its server, and what its table in the brief needs besides speed."""

    generator: str
    model: str
    build: Callable[[], Any]
    options: str = ""


CASES = (
    Case("runway", "gen4.5", Runway),
    Case("google", "veo-3.1-generate-001", Google),
    Case("google", "gemini-omni-1.2-flash", Google),
    Case("openai_videos", MODEL, OpenAIVideos, f'models = {{ "{MODEL}" = {{}} }}\n'),
)


def play(case: Case, environment: Callable[..., AbstractContextManager[None]]) -> str:
    """Run the shipped brief: every shot must end circled, and be paid for exactly once."""
    with tempfile.TemporaryDirectory(prefix="filmgate-loop-") as temporary, case.build() as fake:
        folder = Path(temporary) / "project"
        template.write(folder, shots=SHOTS)
        brief = folder / "brief.toml"
        text = brief.read_text().split("# Scene 2 of the script")[0].replace("usd = 20.0", "")
        brief.write_text(f"{text}\n[generators.{case.generator}]\nuse = false\n"
                         f"{FAST}{case.options}")  # fmt: skip
        (folder / "look.toml").write_text("")
        told = fake.environment(folder) if case.generator == "google" else fake.environment()
        before = Path.cwd()
        with environment(told):
            os.chdir(folder)  # a brief names its files relative to itself
            try:
                studio = Studio(Settings(store=folder / ".filmgate", workers=1))
                orders = Orders(generators=(case.generator,), models=(case.model,))
                prepared = studio.prepare(brief, orders)
                ended = studio.run(prepared, lambda *_: None)
            finally:
                os.chdir(before)
        counts = studio.status().counts
        why = [shot.reason for shot in studio.queue()][:1]
        assert counts == {"circled": SHOTS}, (counts, dict(ended.paused), why)
        assert fake.jobs.paid == SHOTS, f"{fake.jobs.paid} paid submissions"
        usd = studio.status().bill.provider_usd
        return f"{SHOTS} shots circled, {fake.jobs.paid} paid submissions, ${usd:.2f}"


def lines(
    environment: Callable[..., AbstractContextManager[None]],
) -> list[tuple[str, Callable[[], str]]]:
    """One line per provider and model."""
    return [
        (f"{case.generator}: brief to circled takes ({case.model})",
         partial(play, case, environment))
        for case in CASES
    ]  # fmt: skip
