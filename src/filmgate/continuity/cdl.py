"""The grade fix: an ASC CDL that brings a shot to its scene, and its ``.cc`` file.

Working space: display-encoded BT.709/sRGB, full range, 0 to 1. A conform in log or ACES has to
convert it. Formulas: ASC CDL v1.2 (slope, offset, power per channel, then saturation about
Rec.709 luma).
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import nearby
from filmgate.continuity.world import World, once
from filmgate.errors import StoreError
from filmgate.measure.colour import linear_to_srgb, srgb_to_lab
from filmgate.schema.report import CDL
from filmgate.schema.signature import LOG_FLOOR

F64 = NDArray[np.float64]

LUMA_709: F64 = np.array([0.2126, 0.7152, 0.0722])
_MIN_PAIRS = 12
_IDENTITY: F64 = np.array([1.0] * 3 + [0.0] * 3 + [1.0] * 3 + [1.0])
_PULL: F64 = np.array([0.6] * 3 + [2.0] * 3 + [0.6] * 3 + [0.6])
"""How firmly each number is held at identity: an offset is the last thing to reach for."""


def apply(cdl: CDL, rgb: F64) -> F64:
    """`rgb` (..., 3), display-encoded 0 to 1, after the CDL; clamped to 0..1."""
    return _apply(np.array([*cdl.slope, *cdl.offset, *cdl.power, cdl.saturation]), rgb)


def _apply(p: F64, rgb: F64) -> F64:
    """`apply` with the ten numbers of a CDL: slope, offset, power, saturation."""
    graded = np.clip(rgb * p[:3] + p[3:6], 0.0, 1.0) ** p[6:9]
    luma = (graded @ LUMA_709)[..., None]
    return np.asarray(np.clip(luma + p[9] * (graded - luma), 0.0, 1.0))


def fit(source: F64, target: F64, weight: F64 | None = None) -> CDL:
    """The CDL that takes colours `source` to `target`, both (n, 3) display-encoded 0 to 1.

    Least squares in Lab with a soft-L1 loss (the set itself may have changed here and there), each
    parameter held lightly at identity so that little evidence makes little correction.
    """
    # Here, not above: it takes longer to import than a small sequence takes to compare.
    from scipy.optimize import least_squares

    wanted = srgb_to_lab(np.clip(target, 0, 1))
    trust = np.sqrt(np.ones(len(source)) if weight is None else weight)[:, None]

    def misses(parameters: F64) -> F64:
        left = (srgb_to_lab(_apply(parameters, source)) - wanted) * trust / np.sqrt(len(source))
        hold = (parameters - _IDENTITY) * _PULL * 1.2
        return np.concatenate([left.reshape(-1), hold])

    low = np.array([0.3] * 3 + [-0.3] * 3 + [0.3] * 3 + [0.0])
    high = np.array([3.0] * 3 + [0.3] * 3 + [3.0] * 3 + [3.0])
    answer = least_squares(misses, _IDENTITY, bounds=(low, high), loss="soft_l1", f_scale=0.3,
                           max_nfev=60)  # fmt: skip
    return _cdl(np.round(answer.x, 5))


def _cdl(p: F64) -> CDL:
    v = [float(x) for x in p]
    return CDL((v[0], v[1], v[2]), (v[3], v[4], v[5]), (v[6], v[7], v[8]), v[9])


@once
def towards(world: World, shot: int, other: int) -> CDL | None:
    """The CDL from `shot` to its group's consensus, or to shot `other` where it has no group.

    In one set-up the same places of the picture are paired. Otherwise the quantiles of each channel
    are, which needs no correspondence: with those of the shots of the scene most like it, else with
    `other`'s. None when there is nothing to fit to.
    """
    group = world.eras("grade/tonal_bands", world.group)
    mates = np.flatnonzero((group == group[shot]) & (np.arange(world.count) != shot))
    if group[shot] >= 0 and len(mates):
        return _from_cells(world, shot, mates)
    if other >= 0 and world.measured[other] and world.setup[shot] == world.setup[other]:
        return _from_cells(world, shot, np.array([other]))
    others = _most_alike(world, shot)
    if not len(others) and other >= 0 and world.measured[other]:
        others = np.array([other])
    if not len(others):
        return None
    target = np.median(world.tone[others, 0, 0], axis=0)
    return fit(world.tone[shot, 0, 0].astype(np.float64), target.astype(np.float64))


def _most_alike(world: World, shot: int) -> NDArray[np.int64]:
    """The shots of the same scene that look most like it; empty where fewer than two do, and where
    shots are so few that the first is the reference.
    """
    if world.short:
        return np.zeros(0, np.int64)
    wanted = np.arange(world.count) == shot
    place = world.eras("grade/tonal_bands", world.chapter)
    found = nearby.nearest(world.layout_vectors, place, wanted, np.full(world.count, -1))[shot]
    return np.asarray(found[found >= 0])


def _from_cells(world: World, shot: int, mates: NDArray[np.int64]) -> CDL | None:
    cells, share = (values[shot] for values in world.behind(0))
    target, usual = (np.median(values[mates], axis=0) for values in world.behind(0))
    use = (share > 0.3) & (usual > 0.3)
    if use.sum() < _MIN_PAIRS:
        return None
    return fit(_display(cells[use]), _display(target[use]), share[use])


def _display(log_linear: F64) -> F64:
    light = np.clip(np.exp(log_linear) - LOG_FLOOR, 0.0, 1.0)
    return np.asarray(linear_to_srgb(light), dtype=np.float64)


def write_cc(cdl: CDL, path: Path, name: str) -> None:
    """Write one ASC ColorCorrection (``.cc``) with id `name`.

    Raises:
        StoreError: the file cannot be written.
    """

    def numbers(values: tuple[float, float, float]) -> str:
        return " ".join(f"{v:.6f}" for v in values)

    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ColorCorrection xmlns="urn:ASC:CDL:v1.2" id={quoteattr(name)}>\n'
        "  <SOPNode>\n"
        "    <Description>filmgate: brings the shot to its scene; "
        "display-encoded BT.709, full range</Description>\n"
        f"    <Slope>{numbers(cdl.slope)}</Slope>\n"
        f"    <Offset>{numbers(cdl.offset)}</Offset>\n"
        f"    <Power>{numbers(cdl.power)}</Power>\n"
        "  </SOPNode>\n"
        f"  <SatNode>\n    <Saturation>{cdl.saturation:.6f}</Saturation>\n  </SatNode>\n"
        "</ColorCorrection>\n"
    )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"Cannot write the colour correction '{path}': {error.strerror}."
        ) from error
