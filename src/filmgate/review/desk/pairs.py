"""What a take can be seen beside, and the cut around it."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from filmgate.assets.store import Store
from filmgate.assets.vault import PREFIX
from filmgate.errors import FilmgateError, MeasurementError
from filmgate.review.desk import clips
from filmgate.review.desk.index import Entry, Made, NotThere, View, bare
from filmgate.review.desk.said import DRIFTS, ordered
from filmgate.schema.decision import VerdictFact
from filmgate.schema.plan import Reference
from filmgate.schema.report import Finding

MOST_HANDLES = 240


def clip_of(store: Store, digest: str) -> clips.Clip:
    """The frame table of a file in the vault (digest without prefix).

    Raises:
        MeasurementError: it cannot be read.
        StoreError: it is not there.
    """
    return clips.clip(store.vault.path(PREFIX + digest))


def clip_plain(store: Store, digest: str) -> dict[str, Any]:
    """The frame table as plain JSON; says why where there is none."""
    try:
        return clip_of(store, digest).plain(digest)
    except FilmgateError as error:
        # The path in the vault means nothing to a reviewer, and is nobody's business.
        said = str(error).replace(str(store.vault.root), "the vault")
        return clips.unreadable(digest, said)


def neighbours(reel: Sequence[Entry], entry: Entry) -> tuple[Entry | None, Entry | None]:
    """The shots before and after in the shot's sequence."""
    at = next(n for n, e in enumerate(reel) if e.shot == entry.shot)
    return (reel[at - 1] if at > 0 else None), (reel[at + 1] if at + 1 < len(reel) else None)


def compared(view: View, finding: Finding, verdict: VerdictFact) -> tuple[Made | None, bool]:
    """The take that a finding was compared with, and whether it is that very one.

    The verdict names its media by digest; only where it does not, the take that stands for the
    other shot now is the next best.
    """
    if finding.other is None:
        return None, False
    seen = view.of_media(bare(verdict.compared.get(finding.other, "")))
    if seen is not None:
        return seen, True
    try:
        return view.take(finding.other)[1], False
    except NotThere:
        return None, False


class Pairs:
    """Makes pairs for one take.

    Args:
        verdict: the newest on the take; None when there is none, or it is withheld.
    """

    def __init__(
        self, store: Store, view: View, entry: Entry, made: Made, verdict: VerdictFact | None
    ) -> None:  # fmt: skip
        self._store, self._view = store, view
        self._entry, self._made, self._verdict = entry, made, verdict
        self._reel = view.reel(entry.planned.sequence)

    def all(self, other: str = "") -> list[dict[str, Any]]:
        """Every pair, the chosen one first, then the findings' own references.

        Raises:
            NotThere: `other` is no take.
        """
        chosen: list[dict[str, Any]] = []
        if other:
            made = self._view.take(other)[1]
            if made is None:
                raise NotThere(f"'{other}' has no take to compare with.")
            chosen.append(self._pair("chosen", made.slate, made, True))
        look, setup = self._of_look(), self._of_setup()
        worst = next(iter(self._drifts()), None)
        nearest: list[dict[str, Any]] = []
        if worst is not None and worst.other is None:
            # What it was measured against is no single take.
            nearest = {"look": look, "consensus": setup}.get(worst.against, [])
        found = self._of_findings()
        return _once([*chosen, *nearest, *found, *self._around(), *setup, *look])

    def _of_findings(self) -> list[dict[str, Any]]:
        out = []
        for finding in self._drifts():
            assert self._verdict is not None
            made, exact = compared(self._view, finding, self._verdict)
            if made is None:
                continue
            where = {
                "neighbour": "the shot beside it", "anchor": "the scene's anchor",
                "consensus": "closest to the scene's consensus",
            }.get(finding.against, "compared with it")  # fmt: skip
            here = finding.frames[0] if finding.frames else 0
            there = finding.other_frames[0] if finding.other_frames else 0
            label = f"{made.shot}, {where}"
            out.append(self._pair("finding", label, made, exact, here, there))
        return out

    def _drifts(self) -> list[Finding]:
        if self._verdict is None:
            return []
        found = ordered([dict(f) for f in self._verdict.findings])
        return [f for f in found if f.status in DRIFTS]

    def _around(self) -> list[dict[str, Any]]:
        before, after = neighbours(self._reel, self._entry)
        out = []
        if before is not None and before.take is not None:
            last = self._last_frame(before.take)
            label = f"{before.shot}, the shot before"
            out.append(self._pair("before", label, before.take, True, 0, last))
        if after is not None and after.take is not None:
            mine = self._last_frame(self._made)
            label = f"{after.shot}, the shot after"
            out.append(self._pair("after", label, after.take, True, mine, 0))
        anchor = self._anchor()
        if anchor is not None and anchor.take is not None:
            out.append(self._pair("anchor", f"{anchor.shot}, the first of the scene", anchor.take))
        earlier = [m for m in self._entry.takes if m.number < self._made.number]
        if earlier:
            out.append(self._pair("previous", f"{earlier[-1].slate}, the take before", earlier[-1]))
        return out

    def _of_setup(self) -> list[dict[str, Any]]:
        """The nearest shot that was framed alike, if the plan names set-ups."""
        mine, here = self._entry.planned, self._entry.place
        alike = [
            (abs(entry.place - here), entry.place, entry.shot, entry.take)
            for entry in self._reel
            if mine.setup and entry.planned.setup == mine.setup and entry.shot != mine.slate
            and entry.take is not None
        ]  # fmt: skip
        return [
            self._pair("setup", f"{shot}, the same set-up", made)
            for _, _, shot, made in sorted(alike, key=lambda one: one[:2])[:1]
        ]

    def _of_look(self) -> list[dict[str, Any]]:
        """The pictures that the shot's people, place and itself were declared with.

        Whom the worst finding is about comes first.
        """
        plan, shot = self._view.plan, self._entry.planned
        shown: list[tuple[str, Reference]] = [(shot.slate, r) for r in shot.references]
        shown += [(p.name, r) for p in plan.people if p.name in shot.people for r in p.references]
        shown += [(p.name, r) for p in plan.places if p.name == shot.place for r in p.references]
        about = [part.lower() for f in self._drifts()[:1] for part in f.attribute.split("/")]
        shown.sort(key=lambda one: one[0].lower() not in about)
        return [
            self._beside(
                "look", f"{reference.of or name}, as declared ({Path(reference.file).name})", "",
                reference.of or name, bare(reference.digest),
                mimetypes.guess_type(reference.file)[0] or "application/octet-stream",
            )
            for name, reference in shown
            if reference.digest and self._store.vault.has(reference.digest)
        ]  # fmt: skip

    def _anchor(self) -> Entry | None:
        """The scene's first shot with a take, unless this is it."""
        mine = self._entry.planned
        for entry in self._reel:
            if entry.planned.scene == mine.scene and entry.take is not None:
                return None if entry.shot == mine.slate else entry
        return None

    def _last_frame(self, made: Made) -> int:
        try:
            return clip_of(self._store, made.media).frames - 1
        except FilmgateError:
            return 0

    def _pair(
        self, role: str, label: str, made: Made, exact: bool = True, here: int = 0, there: int = 0
    ) -> dict[str, Any]:
        return self._beside(
            role, label, made.slate, made.shot, made.media, made.mime, exact, here, there
        )

    def _beside(
        self, role: str, label: str, slate: str, shot: str, media: str, mime: str,
        exact: bool = True, here: int = 0, there: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        try:
            found = clip_of(self._store, media)
            rate, frames = str(found.count.rate), found.frames
        except FilmgateError:
            rate, frames = None, 0
        return {
            "role": role, "label": label, "slate": slate, "shot": shot, "media": media,
            "mime": mime, "rate": rate, "frames": frames,
            "at": min(there, max(frames - 1, 0)), "here": here, "exact": exact,
        }  # fmt: skip


def _once(pairs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each reference once per frame; the first to name it wins."""
    seen: dict[tuple[str, int, int], dict[str, Any]] = {}
    for pair in pairs:
        seen.setdefault((pair["slate"] or pair["media"], pair["at"], pair["here"]), pair)
    return list(seen.values())


def cut(store: Store, view: View, slate: str, handles: int) -> dict[str, Any]:
    """The cut around a take: the end of the shot before, the take, the start of the one after.

    Args:
        handles: frames of the neighbours, 0 to `MOST_HANDLES`.

    Raises:
        NotThere: no such take.
    """
    entry, made = view.take(slate)
    if made is None:
        raise NotThere(f"Shot {entry.shot} has no take yet.")
    before, after = neighbours(view.reel(entry.planned.sequence), entry)
    parts: list[dict[str, Any]] = []
    for role, one in (("before", before), ("this", entry), ("after", after)):
        take = made if role == "this" else (one.take if one is not None else None)
        if take is None or (role != "this" and handles == 0):
            continue
        try:
            found = clip_of(store, take.media)
        except MeasurementError:
            continue
        first = max(0, found.frames - handles) if role == "before" else 0
        last = min(handles, found.frames) - 1 if role == "after" else found.frames - 1
        at = sum(p["last"] - p["first"] + 1 for p in parts)
        parts.append(
            {
                "slate": take.slate, "media": take.media, "mime": take.mime,
                "rate": str(found.count.rate), "first": first, "last": last, "role": role,
                "at": at,
            }
        )  # fmt: skip
    total = sum(p["last"] - p["first"] + 1 for p in parts)
    return {"handles": handles, "total": total, "parts": parts}
