"""From a finding to a repaired take."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from filmgate.assets.store import Store
from filmgate.errors import CannotExpress
from filmgate.measure.probe import probe
from filmgate.models import repair
from filmgate.orchestration.policy import Finding, Step, gain_db
from filmgate.schema.report import CDL
from filmgate.schema.take import Cost, Take, slate_of


def repaired(store: Store, take: Take, step: Step, findings: Sequence[Finding]) -> Take:
    """A repaired copy of `take` in the vault; the number is the next of its shot.

    Raises:
        CannotExpress: it cannot be repaired and must be made again.
    """
    start = time.monotonic()
    source = store.vault.path(take.media)
    folder = store.root / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".mp4", dir=folder)
    os.close(handle)
    target = Path(name)
    drifting = [f for f in findings if f["status"] == "drift"]
    cdl, level_db = None, None
    try:
        if step.repair == "flop":
            repair.flop(source, target)
        elif step.repair == "gain":
            level_db = gain_db(drifting)
            if level_db is None:
                raise CannotExpress("The finding does not say by how much to change the level.")
            repair.gain(source, target, level_db)
        else:
            cdl = _cdl(drifting)
            tags = probe(source).tags
            repair.grade(source, target, cdl, repair.Coding(tags.matrix, bool(tags.full_range)))
        media = store.vault.put_file(target)
    finally:
        target.unlink(missing_ok=True)
    made = store.ledger.all("asked", "take", subject=take.shot)
    number = 1 + max(int(row.body["number"]) for row in made)
    recipe = take.recipe.model_copy(
        update={"repair": step.repair, "cdl": cdl, "gain_db": level_db, "request": "", "job": ""}
    )
    return Take(
        slate=slate_of(take.shot, number), shot=take.shot, number=number, media=media,
        parent=take.slate, recipe=recipe, cost=Cost(machine_s=time.monotonic() - start),
    )  # fmt: skip


def _cdl(drifting: Sequence[Finding]) -> CDL:
    """The CDL of the strongest grade finding that has one."""
    found = next((f["cdl"] for f in drifting if f.get("cdl")), None)
    if found is None:
        raise CannotExpress("No finding carries a grade correction.")
    return TypeAdapter(CDL).validate_python(found)
