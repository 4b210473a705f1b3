"""A shot in the form that a model makes: no shorter, of the same shape, and not smaller.

A cut needs 2.4 s in 640x360, and a model makes 4, 6 or 8 s in 1280x720: the take is asked for in
4 s and 1280x720, and the rest of its length are handles for the edit, as on any set. Whatever
cannot be fitted so (another shape, a shot longer than the longest take) stays as it is, and is
refused by `catalog.check`.
"""

from __future__ import annotations

import dataclasses
import math

from filmgate.models.catalog import HD_PX, Row, references
from filmgate.models.generator import Request

SAME_SHAPE = 0.02
"""Two pictures have one shape when width over height differ by less than this share."""


def fitted(row: Row, request: Request) -> Request:
    """`request` with length (seconds) and size (px) as `row` makes them."""
    size = _size(row, request)
    return dataclasses.replace(
        request, size=size, duration_s=_length(row, request, math.prod(size) > HD_PX)
    )


def _size(row: Row, request: Request) -> tuple[int, int]:
    starts = any(picture.role == "first_frame" for picture in request.pictures)
    sizes = row.text_sizes if row.text_sizes and not starts else row.sizes
    if not sizes or request.size in sizes:
        return request.size
    shape = request.size[0] / request.size[1]
    alike = sorted(
        (s for s in sizes if abs(math.log(s[0] / s[1] / shape)) < SAME_SHAPE), key=math.prod
    )
    if not alike:
        return request.size
    return next((s for s in alike if math.prod(s) >= math.prod(request.size)), alike[-1])


def _length(row: Row, request: Request, large: bool) -> float:
    asked = request.duration_s
    if "video" not in row.kinds:
        return asked
    only = [
        limit
        for limit, holds in (
            (row.references_s, bool(references(request))), (row.over_720p_s, large),
        )
        if limit is not None and holds
    ]  # fmt: skip
    if only:
        return only[0] if asked <= only[0] else asked
    if row.durations_s:
        return min((d for d in row.durations_s if d >= asked), default=asked)
    longer = max(asked, row.shortest_s)
    whole = float(math.ceil(longer)) if row.whole_s else longer
    return whole if whole <= row.longest_s else asked
