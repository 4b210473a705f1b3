from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.errors import CannotExpress
from filmgate.models import catalog
from filmgate.models.fitting import fitted
from filmgate.models.generator import Picture, Request

VEO, GEN45 = "veo-3.1-generate-001", "gen4.5"
ASSET = Picture(Path("maya.png"), "sha256:" + "a" * 64)


def fit(model: str, **more: object) -> Request:
    request = Request(model, prompt="A corridor", **more)  # type: ignore[arg-type]
    return fitted(catalog.row(model), request)


@pytest.mark.parametrize(
    ("model", "asked_s", "made_s"),
    [(VEO, 2.0, 4.0), (VEO, 4.0, 4.0), (VEO, 6.5, 8.0), (GEN45, 1.0, 2.0), (GEN45, 3.2, 4.0)],
)
def test_a_take_is_never_shorter_than_the_cut_needs(
    model: str, asked_s: float, made_s: float
) -> None:
    made = fit(model, duration_s=asked_s, size=(1280, 720))
    assert made.duration_s == made_s
    catalog.check(catalog.row(model), made)


def test_the_smallest_size_of_the_same_shape_that_is_not_smaller() -> None:
    assert fit(VEO, size=(640, 360)).size == (1280, 720)
    assert fit(VEO, size=(360, 640)).size == (720, 1280)
    assert fit(VEO, size=(1600, 900)).size == (1920, 1080)


def test_limits_that_hang_together_are_kept_together() -> None:
    assert fit(VEO, duration_s=4.0, size=(640, 360), pictures=(ASSET,)).duration_s == 8.0
    assert fit(VEO, duration_s=4.0, size=(1920, 1080)).duration_s == 8.0


@pytest.mark.parametrize("more", [{"duration_s": 11.0}, {"size": (1000, 1000)}])
def test_what_cannot_be_fitted_is_still_refused(more: dict[str, object]) -> None:
    with pytest.raises(CannotExpress):
        catalog.check(catalog.row(VEO), fit(VEO, **more))
