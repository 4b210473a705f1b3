"""Everything that is only looked at: queue, takes, evidence, pairs, cut, sequences."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from filmgate.interfaces.http import shapes
from filmgate.interfaces.http.answers import Json, says
from filmgate.interfaces.http.room import InRoom, Viewer
from filmgate.interfaces.http.shapes import Slate
from filmgate.review.desk import pairs, queue, sheets, takes
from filmgate.review.desk.evidence import evidence
from filmgate.review.desk.index import WAITING

router = APIRouter(tags=["looking"])
MOST_ROWS, MOST_OFFSET = 5000, 10**7
Word = Annotated[str, Query(max_length=300)]
Named = Annotated[Slate, Path(description="A take ('12B-3'), or a shot for the take it has.")]
Reel = Annotated[str, Path(max_length=300, description="Id of a sequence; may hold slashes.")]


_QUEUE = {**says(shapes.QueueAnswer), 304: {"description": "Nothing is new."}}


@router.get("/api/queue", response_model=shapes.QueueAnswer, responses=_QUEUE)
def queue_rows(
    room: InRoom, session: Viewer, sequence: Word = "", shot: Word = "", check: Word = "",
    reviewer: Word = "", state: Word = WAITING, order: queue.Order = "worst",
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 200,
    offset: Annotated[int, Query(ge=0, le=MOST_OFFSET)] = 0,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:  # fmt: skip
    """What waits for a person, worst first, or whatever else is asked for."""
    view = room.view
    tag = f'"{view.version}"'
    # The browser keeps an answer with its address, so the version alone tells it apart.
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    chosen = queue.Filter(sequence, shot, check, reviewer, state, order)
    found = queue.listed(view, chosen)
    return Json(
        {
            "version": view.version, "total": len(found), "offset": offset,
            "rows": [e.row for e in found[offset : offset + limit]],
            "facets": view.facets,
        },
        headers=headers,
    )  # fmt: skip


@router.get("/api/queue/next", response_model=shapes.NextAnswer,
            responses=says(shapes.NextAnswer, 404))  # fmt: skip
def queue_next(
    room: InRoom, session: Viewer, after: Slate, sequence: Word = "", shot: Word = "",
    check: Word = "", reviewer: Word = "", state: Word = WAITING, order: queue.Order = "worst",
) -> Response:  # fmt: skip
    """The take to judge after this one."""
    view = room.view
    chosen = queue.Filter(sequence, shot, check, reviewer, state, order)
    found, left = queue.following(view, chosen, view.entry(after).shot)
    return Json({"slate": found.key if found else None, "left": left})


@router.get("/api/takes/{slate}", response_model=shapes.TakeAnswer,
            responses=says(shapes.TakeAnswer, 404))  # fmt: skip
def take(room: InRoom, session: Viewer, slate: Named) -> Response:
    """Everything about one take."""
    return Json(takes.payload(room.store, room.view, slate))


@router.get("/api/evidence/{slate}", response_model=shapes.EvidenceAnswer,
            responses=says(shapes.EvidenceAnswer, 404))  # fmt: skip
def evidence_of(room: InRoom, session: Viewer, slate: Named) -> Response:
    """What the machine said of a take."""
    view = room.view
    entry, made = takes.standing(view, slate)
    rows = room.store.ledger.all(subject=entry.shot)
    return Json(evidence(room.store, view, entry, made, rows))


@router.get("/api/series/{slate}", response_model=shapes.SeriesAnswer,
            responses=says(shapes.SeriesAnswer, 404, 503))  # fmt: skip
def series(room: InRoom, session: Viewer, slate: Named) -> Response:
    """The measured curves over the take's sequence."""
    view = room.view
    _, made = takes.standing(view, slate)
    return Json(room.comparisons.series(view, made))


@router.get("/api/pairs/{slate}", response_model=shapes.PairsAnswer,
            responses=says(shapes.PairsAnswer, 404))  # fmt: skip
def pairs_of(room: InRoom, session: Viewer, slate: Named, other: Slate | None = None) -> Response:
    """What a take can be seen beside; `other` first."""
    view = room.view
    entry, made = takes.standing(view, slate)
    rows = room.store.ledger.all(subject=entry.shot)
    return Json({"pairs": takes.pairs(room.store, view, entry, made, rows, other or "")})


@router.get("/api/cut/{slate}", response_model=shapes.CutAnswer,
            responses=says(shapes.CutAnswer, 404))  # fmt: skip
def cut(
    room: InRoom, session: Viewer, slate: Named,
    handles: Annotated[int, Query(ge=0, le=pairs.MOST_HANDLES)] = 12,
) -> Response:  # fmt: skip
    """The take in the cut, with the ends of its neighbours."""
    return Json(pairs.cut(room.store, room.view, slate, handles))


@router.get("/api/sequences", response_model=shapes.SequencesAnswer,
            responses=says(shapes.SequencesAnswer))  # fmt: skip
def sequences(room: InRoom, session: Viewer) -> Response:
    """Every sequence, with how many of its shots wait."""
    return Json({"sequences": sheets.sequences(room.view)})


@router.get("/api/sequences/{sequence:path}/sheet", response_model=shapes.SheetAnswer,
            responses=says(shapes.SheetAnswer, 404))  # fmt: skip
def sheet(room: InRoom, session: Viewer, sequence: Reel) -> Response:
    """The contact sheet of a sequence."""
    return Json(sheets.sheet(room.view, sequence))


@router.get("/api/sequences/{sequence:path}/report", response_model=shapes.ReportAnswer,
            responses=says(shapes.ReportAnswer, 404))  # fmt: skip
def report(room: InRoom, session: Viewer, sequence: Reel) -> Response:
    """What a printed review report of a sequence holds."""
    return Json(sheets.report(room.store, room.view, sequence))
