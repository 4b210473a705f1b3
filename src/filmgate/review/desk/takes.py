"""A take with all that the page needs to show it and to rule on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from filmgate.assets.ledger import Row
from filmgate.assets.store import Store
from filmgate.review.desk import facts, queue
from filmgate.review.desk.evidence import evidence, verdict_of, withheld
from filmgate.review.desk.index import Entry, Made, NotThere, View, bare, rulings_of
from filmgate.review.desk.pairs import Pairs, clip_plain
from filmgate.schema.decision import VerdictFact
from filmgate.schema.take import Take


def payload(store: Store, view: View, slate: str) -> dict[str, Any]:
    """Everything about one take, as plain JSON.

    Raises:
        NotThere: no such take, or the shot has none yet.
    """
    entry, made = standing(view, slate)
    rows = store.ledger.all(subject=entry.shot)
    row = next(r for r in rows if r.kind == "take" and r.key == made.slate)
    take = row.value(Take)
    after, _ = queue.following(view, queue.Filter(), entry.shot)
    return {
        "version": view.version, "slate": made.slate, "shot": entry.shot,
        "sequence": entry.planned.sequence, "number": made.number,
        "state": state_of(entry, made), "waits_for": entry.waits_for if entry.waits else "",
        "rulings": entry.rulings.get(made.slate, 0), "made_at": row.at,
        "media": {
            "digest": made.media, "url": f"/media/{made.media}", "mime": made.mime,
            "bytes": store.vault.path(take.media).stat().st_size,
        },
        "clip": clip_plain(store, made.media), "recipe": _recipe(take),
        "cost": take.cost.model_dump(mode="json"), "planned": _planned(entry),
        "machine": evidence(store, view, entry, made, rows), "people": people(view, rows),
        "takes": [_sibling(entry, one) for one in entry.takes],
        "pairs": pairs(store, view, entry, made, rows), "next": after.key if after else None,
    }  # fmt: skip


def standing(view: View, slate: str) -> tuple[Entry, Made]:
    """The shot and the take that a slate names.

    Raises:
        NotThere: there is none.
    """
    entry, made = view.take(slate)
    if made is None:
        raise NotThere(f"Shot {entry.shot} has no take yet.")
    return entry, made


def state_of(entry: Entry, made: Made) -> str:
    """The shot's state for the take that stands; what was ruled, for its other takes."""
    if entry.take is not None and entry.take.slate == made.slate:
        return entry.state
    mine = [d for d in entry.decisions if d.take == made.slate and not d.undone and not d.reopens]
    return mine[-1].ruling if mine else "measured"


def pairs(
    store: Store, view: View, entry: Entry, made: Made, rows: Sequence[Row], other: str = ""
) -> list[dict[str, Any]]:  # fmt: skip
    """What the take can be seen beside; what a withheld verdict names is left out."""
    row = None if withheld(entry, made) else verdict_of(made, rows)
    verdict = None if row is None else row.value(VerdictFact)
    return Pairs(store, view, entry, made, verdict).all(other)


def _recipe(take: Take) -> dict[str, Any]:
    recipe = take.recipe
    return {
        "generator": recipe.generator, "model": recipe.model,
        "returned_model": recipe.returned_model, "prompt": recipe.prompt, "seed": recipe.seed,
        "parent": take.parent, "repair": recipe.repair,
        "revisions": [
            r.model_dump(mode="json", include={"path", "clause", "because", "author"})
            for r in recipe.revisions
        ],
    }  # fmt: skip


def _planned(entry: Entry) -> dict[str, Any]:
    wanted = {"action", "framing", "move", "setup", "place", "people", "duration_s"}
    return entry.planned.model_dump(mode="json", include=wanted)


def _sibling(entry: Entry, made: Made) -> dict[str, Any]:
    mine = [d for d in entry.decisions if d.take == made.slate and not d.undone and not d.reopens]
    stands = entry.take is not None and entry.take.slate == made.slate
    return {
        "slate": made.slate, "number": made.number, "media": made.media, "mime": made.mime,
        "parent": made.parent, "repair": made.repair,
        "word": None if withheld(entry, made) else made.word,
        "ruling": mine[-1].ruling if mine else None, "stands": stands,
    }  # fmt: skip


def people(view: View, rows: Sequence[Row]) -> dict[str, Any]:
    """What people said about a shot, oldest first."""
    return {
        "decisions": decisions(view, rows),
        "notes": [note(r) for r in rows if r.kind == "note"],
        "preferences": [preference(r) for r in rows if r.kind == "preference"],
    }


def decisions(view: View, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every decision among the facts of a shot, as plain JSON."""
    judged = {
        (r.body["take"], r.body["decision"]): r.body for r in rows if r.kind == facts.KIND
    }  # fmt: skip
    bodies = {r.id: r.body for r in rows if r.kind == "decision"}
    out = []
    for ruled in rulings_of(rows):
        body = bodies[ruled.id]
        more = judged.get((ruled.take, ruled.number), {})
        out.append(
            {
                "id": ruled.id, "take": ruled.take, "ruling": ruled.ruling,
                "number": ruled.number, "reviewer": ruled.reviewer, "at": ruled.at,
                "reasons": body["reasons"], "note": body["note"], "person_s": body["person_s"],
                "saw": body["saw"], "scores": more.get("scores", {}),
                "disagrees": more.get("disagrees", []), "undoes": more.get("undoes"),
                "undone": ruled.undone, "applied": ruled.applied, "stale": _stale(view, body),
            }
        )  # fmt: skip
    return out


def _stale(view: View, body: dict[str, Any]) -> bool:
    """Whether a shot that the decision was made on has another take in its place by now."""
    for digest in body["evidence"]:
        made = view.of_media(bare(digest))
        if made is None or made.slate == body["take"]:
            continue
        stands = view.entries[made.shot].take
        if stands is None or stands.media != made.media:
            return True
    return False


def note(row: Row) -> dict[str, Any]:
    """A note as plain JSON; a drawing that is none of ours is left out."""
    body = row.body
    try:
        strokes = json.loads(body["drawing"] or "[]")
    except ValueError:
        strokes = []
    return {
        "id": row.id, "take": body["take"], "reviewer": body["reviewer"], "at": row.at,
        "text": body["text"], "first_frame": body["first_frame"],
        "last_frame": body["last_frame"], "box": body["box"],
        "drawing": strokes if isinstance(strokes, list) else [],
    }  # fmt: skip


def preference(row: Row) -> dict[str, Any]:
    """A preference as plain JSON."""
    wanted = ("shot", "better", "worse", "reviewer", "reason")
    return {"id": row.id, "at": row.at, **{key: row.body[key] for key in wanted}}
