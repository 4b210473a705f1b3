"""What a sidecar may say; schemas/sidecar.schema.json is made from it.

Apart from the extractor, which most shots only ask whether there is a sidecar: pydantic takes a
third of a second to import, in every measuring process.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from filmgate.schema.report import Box


def _inside(box: Box) -> Box:
    x, y, w, h = box
    if not (w > 0 and h > 0 and x + w <= 1 + 1e-6 and y + h <= 1 + 1e-6):
        raise ValueError("a box is [x, y, w, h] within the frame, with a width and a height")
    return (x, y, min(w, 1 - x), min(h, 1 - y))


Share = Annotated[float, Field(ge=0, le=1)]
FrameBox = Annotated[tuple[Share, Share, Share, Share], AfterValidator(_inside)]
FrameIndex = Annotated[int, Field(ge=0)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
_CLOSED = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class SidecarAttribute(BaseModel):
    """One attribute: a colour "#rrggbb", a number with its unit, or a word."""

    model_config = _CLOSED
    path: Annotated[str, Field(pattern=r"^[^/\s]+(/[^/\s]+)+$", max_length=200)]
    value: Word | float
    unit: Word | None = None
    confidence: Share = 1.0
    frames: tuple[FrameIndex, ...] = ()
    box: FrameBox | None = None


class SidecarPerson(BaseModel):
    """One person in one media frame (0-based); boxes are [x, y, w, h], relative."""

    model_config = _CLOSED
    frame: FrameIndex
    name: Word | None = None
    face: FrameBox | None = None
    body: FrameBox | None = None
    confidence: Share = 1.0
    frontal: bool = True


class Sidecar(BaseModel):
    """The whole file. `empty` lists frames that were looked at and show nobody."""

    model_config = ConfigDict(**_CLOSED, title="filmgate sidecar")
    filmgate_sidecar: Literal[1]
    attributes: tuple[SidecarAttribute, ...] = ()
    people: tuple[SidecarPerson, ...] = ()
    empty: tuple[FrameIndex, ...] = ()
