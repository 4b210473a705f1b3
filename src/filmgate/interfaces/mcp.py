"""The Model Context Protocol: the same doors as the command line, for models and their hosts.

Each tool is one call to `Studio`. Errors are sentences a model can act on; long work gives a task
id. ``filmgate mcp`` speaks over stdio, ``filmgate mcp --http PORT`` over streamable HTTP on
loopback.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field, TypeAdapter

import filmgate
from filmgate.errors import FilmgateError, UsageError
from filmgate.interfaces import footage
from filmgate.interfaces.tasks import Task, Tasks
from filmgate.schema import publish
from filmgate.settings import Settings
from filmgate.studio import Studio

R = TypeVar("R", bound=Callable[..., Any])
Ruling = Literal["circle", "retake", "hold", "ng", "intended"]
Slate = Annotated[str, Field(description="A shot ('12B') or one of its takes ('12B-3').")]
Wait = Annotated[float, Field(ge=0, le=300, description="Seconds to wait before giving a task id.")]
INSTRUCTIONS = """filmgate checks generated film for continuity and carries shots from a brief to \
circled takes. Verdicts (circle, retake, escalate) are the machine's; decisions are a person's: \
call `decide` only when a person has told you what they rule, and name them as the reviewer."""
MOST_FINDINGS = 50


class Drift(BaseModel):
    """One drifting shot: its verdict and what drifts."""

    sequence: str
    shot: str
    verdict: str
    score: float
    findings: list[dict[str, Any]]


class Shots(BaseModel):
    """Shots as plain rows, and how many there are in all."""

    total: int
    shots: list[dict[str, Any]]


class Ruled(BaseModel):
    """A decision that was written down."""

    take: str
    ruling: str
    number: int
    reviewer: str
    next: str


class Explained(BaseModel):
    """Why a take has its verdict, and where to look."""

    shot: str
    take: str
    verdict: str
    because: str
    findings: list[dict[str, Any]]
    evidence: list[str] = Field(description="Resources with the frames the findings are about.")


def server(settings: Settings | None = None) -> MCPServer[Any]:
    """The server over one project."""
    told = settings or Settings.read()
    studio = Studio(told)
    made: MCPServer[Any] = MCPServer(
        "filmgate", version=filmgate.__version__, instructions=INSTRUCTIONS,
        website_url=None, log_level="ERROR",
    )  # fmt: skip
    tasks = Tasks(told.store / "tasks")
    _checking(made, studio, tasks)
    _looping(made, studio, tasks)
    _asking(made, studio)
    _ruling(made, studio)
    _resources(made, studio)
    return made


def _told(call: R) -> R:
    """`call` with our errors as tool errors: their one sentence is meant for the model."""

    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except FilmgateError as error:
            raise ToolError(str(error)) from None

    return wrapped  # type: ignore[return-value]


def _plain(value: Any) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def _checking(made: MCPServer[Any], studio: Studio, tasks: Tasks) -> None:
    @made.tool()
    @_told
    def check(
        path: Annotated[str, Field(description="Folder of shots, a video file, or an .otio.")],
        look: Annotated[str | None, Field(description="A look.toml: the declared world.")] = None,
        wait_s: Wait = 30.0,
    ) -> Task:
        """Measure every shot under `path` and say which drift, on what, by how much, and the fix.

        The result holds `summary`, `drifting` (worst first) and `report`, the path of the whole
        machine report.
        """

        def work(say: Callable[[str], None]) -> dict[str, Any]:
            from filmgate.continuity import look_file
            from filmgate.interfaces import console, outputs

            found = footage.discover(Path(path), studio.cuts)
            declared = look_file.read(Path(look), found.sequences) if look else None
            report = studio.check(
                found.sequences, declared, progress=lambda done, of: say(f"{done} of {of} shots"),
                notes=found.notes,
            )  # fmt: skip
            target = studio.settings.store / "check.json"
            outputs.write_json(report, target)
            drifting = [
                Drift(
                    sequence=sequence.id, shot=shot.shot, verdict=shot.verdict, score=shot.score,
                    findings=[_plain(f) for f in shot.findings
                              if f.status in ("drift", "change_missing")],
                ).model_dump()
                for sequence in report.sequences for shot in sequence.shots
                if shot.verdict != "circle"
            ]  # fmt: skip
            drifting.sort(key=lambda d: -float(d["score"]))
            return {
                "summary": console.summary(report), "guarantee": report.guarantee,
                "drifting": drifting[:MOST_FINDINGS], "more": max(len(drifting) - MOST_FINDINGS, 0),
                "notes": list(report.notes), "report": str(target),
            }  # fmt: skip

        return tasks.start("check", work, wait_s)


def _looping(made: MCPServer[Any], studio: Studio, tasks: Tasks) -> None:
    @made.tool()
    @_told
    def run(
        brief: Annotated[str, Field(description="Path of a brief.toml.")],
        generators: list[str] | None = None,
        models: list[str] | None = None,
        takes: Annotated[int | None, Field(ge=1)] = None,
        budget_usd: Annotated[float | None, Field(ge=0)] = None,
        dry_run: Annotated[
            bool, Field(description="Only say what it would do and cost. Do this first.")
        ] = False,
        wait_s: Wait = 5.0,
    ) -> Task:
        """Carry every shot of a brief through generate, verify, retake or escalate.

        This may cost money: run it dry first, and give a budget.
        """
        from filmgate.loop.facade import Orders

        orders = Orders(tuple(generators or ()), tuple(models or ()), takes, budget_usd)
        prepared = studio.prepare(Path(brief), orders)
        told = {
            "shots": sum(1 for _ in prepared.plan.shots()), "makers": list(prepared.makers),
            "price_usd": prepared.price_usd, "footage_s": prepared.footage_s,
            "risks": [_plain(risk) for risk in prepared.risks],
        }  # fmt: skip
        if dry_run:
            return Task(task="", kind="dry run", state="completed", result=told)
        return tasks.start("run", lambda say: _ended(studio.run(prepared, _teller(say))), wait_s)

    @made.tool()
    @_told
    def resume(wait_s: Wait = 5.0) -> Task:
        """Go on with the last run: what was cut off or paused, and what people have decided."""
        return tasks.start("resume", lambda say: _ended(studio.resume(_teller(say))), wait_s)

    @made.tool()
    @_told
    def task(task: Annotated[str, Field(description="A task id.")]) -> Task:
        """How long work stands: working, completed with its result, failed, or lost."""
        return tasks.get(task)


def _teller(say: Callable[[str], None]) -> Callable[[str, str, str], None]:
    states: dict[str, str] = {}

    def tell(shot: str, what: str, detail: str) -> None:
        from collections import Counter

        if what != "taken":
            states[shot] = what
        counts = Counter(states.values()).most_common()
        say(", ".join(f"{count} {state}" for state, count in counts))

    return tell


def _ended(ended: Any) -> dict[str, Any]:
    return {"waiting": list(ended.waiting), "paused": dict(ended.paused)}


def _asking(made: MCPServer[Any], studio: Studio) -> None:
    @made.tool()
    @_told
    def status() -> dict[str, Any]:
        """Where the project stands: shots by state, cost, cost per circled shot."""
        found = studio.status()
        return {
            "title": found.title, "shots": len(found.shots), "counts": found.counts,
            "usd": found.usd, "usd_per_circled": found.usd_per_circled,
            "provider_usd": found.bill.provider_usd, "budget_usd": found.budget_usd,
        }  # fmt: skip

    @made.tool()
    @_told
    def queue(most: Annotated[int, Field(ge=1, le=500)] = 20) -> Shots:
        """Shots that wait for a person, worst first."""
        waiting = studio.queue()
        return Shots(total=len(waiting), shots=[_plain(shot) for shot in waiting[:most]])

    @made.tool()
    @_told
    def trace(slate: Slate) -> dict[str, Any]:
        """A shot's story: every take with recipe, findings, verdicts, decisions and cost."""
        found = studio.trace(slate)
        plain: dict[str, Any] = _plain(found)
        del plain["facts"]
        return plain

    @made.tool()
    @_told
    def explain(slate: Slate) -> Explained:
        """Why a take has its verdict: what drifts, by how much, against what, and the fix."""
        found = studio.trace(slate)
        wanted = slate if "-" in slate else found.status.take
        one = next((t for t in found.takes if t.take.slate == wanted), None)
        if one is None or not one.verdicts:
            raise UsageError(f"There is no verdict on '{slate}' yet.")
        _, verdict = one.verdicts[-1]
        frames = sorted({n for f in verdict.findings for n in _first_frames(f)})
        return Explained(
            shot=found.shot, take=wanted, verdict=verdict.word, because=found.status.reason,
            findings=[dict(f) for f in verdict.findings],
            evidence=[f"filmgate://evidence/{wanted}/{n}" for n in frames or [0]],
        )  # fmt: skip


def _ruling(made: MCPServer[Any], studio: Studio) -> None:
    @made.tool()
    @_told
    def decide(
        slate: Slate,
        ruling: Ruling,
        reviewer: Annotated[str, Field(min_length=1, description="The person who ruled.")],
        note: str = "",
        reasons: Annotated[
            list[str] | None, Field(description="Attribute paths that it is about.")
        ] = None,
        seen: Annotated[
            int | None,
            Field(ge=0, description="How many rulings on the take the person has seen; a newer "
                  "one makes this fail instead of overruling it."),
        ] = None,
    ) -> Ruled:  # fmt: skip
        """Write a person's ruling down. Verdicts are the machine's; only people rule."""
        made = studio.decide(slate, ruling, reviewer, note, tuple(reasons or ()), seen)
        return Ruled(
            take=made.take, ruling=made.ruling, number=made.number, reviewer=made.reviewer,
            next="The run that is on, or 'resume', applies it.",
        )  # fmt: skip


def _first_frames(finding: dict[str, Any]) -> list[int]:
    return [int(number) for number in finding.get("frames", [])[:1]]


def _resources(made: MCPServer[Any], studio: Studio) -> None:
    def project(call: Callable[[Any], Any]) -> Any:
        from filmgate.loop import project as projects

        with studio.store() as store:
            return call(projects.latest(store))

    @made.resource("filmgate://look", mime_type="application/json")
    def look() -> str:
        """What is declared of the world of this project."""
        return _json(project(lambda told: _plain(told.look)))

    @made.resource("filmgate://shots", mime_type="application/json")
    def shots() -> str:
        """Every shot of the plan and where it stands."""
        return _json([_plain(shot) for shot in studio.status().shots])

    @made.resource("filmgate://takes/{slate}", mime_type="application/json")
    def takes(slate: str) -> str:
        """The takes of a shot with their recipes."""
        return _json([_plain(one.take) for one in studio.trace(slate).takes])

    @made.resource("filmgate://findings/{slate}", mime_type="application/json")
    def findings(slate: str) -> str:
        """The findings on every take of a shot."""
        found = studio.trace(slate)
        return _json(
            {t.take.slate: [_plain(verdict) for _, verdict in t.verdicts] for t in found.takes}
        )

    @made.resource("filmgate://evidence/{slate}/{frame}", mime_type="image/png")
    def evidence(slate: str, frame: str) -> bytes:
        """One frame (0-based) of a take."""
        return picture(studio, slate, frame)

    @made.resource("filmgate://schemas/{name}", mime_type="application/json")
    def schemas(name: str) -> str:
        """A JSON Schema of the shared state."""
        known = publish.schemas()
        if name not in known:
            raise UsageError(f"There is no schema '{name}': known are {', '.join(sorted(known))}.")
        return _json(known[name])


def picture(studio: Studio, slate: str, frame: str, height_px: int = 540) -> bytes:
    """One frame of a take as PNG.

    Raises:
        UsageError: no such take or frame.
    """
    import cv2

    from filmgate.measure import stills

    if not frame.isdigit():
        raise UsageError(f"'{frame}' is no frame number.")
    number = int(frame)
    found = stills.frames(str(studio.media(slate)), [number], height_px)
    if number not in found:
        raise UsageError(f"{slate} has no frame {number}.")
    done, coded = cv2.imencode(".png", found[number][:, :, ::-1])
    assert done
    return coded.tobytes()


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def serve(settings: Settings, http_port: int | None) -> None:
    """Serve until the client goes away (stdio) or the process is stopped (HTTP, on loopback)."""
    made = server(settings)
    if http_port is None:
        made.run("stdio")
    else:
        made.run("streamable-http", host="127.0.0.1", port=http_port)
