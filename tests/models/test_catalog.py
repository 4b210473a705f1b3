"""The catalog: complete rows, retired ids answered by their successors, limits refused."""

from __future__ import annotations

import datetime
import math
from dataclasses import replace
from pathlib import Path

import pytest

from filmgate import registry
from filmgate.errors import BadSetting, CannotExpress
from filmgate.models import catalog
from filmgate.models.generator import Picture, Request

VEO = catalog.row("veo-3.1-generate-001")
OMNI = catalog.row("gemini-omni-1.2-flash")
GEN45 = catalog.row("gen4.5")
STILL = catalog.row("gen4_image")
NOTES = [
    "sora-2", "sora-2-pro", "imagen-4.0-generate-001", "veo-2.0-generate-001",
    "veo-3.0-generate-001", "veo-3.1-generate-preview", "gemini-omni-flash-preview", "gen3a_turbo",
]  # fmt: skip


def asked(row: catalog.Row, **values: object) -> Request:
    """A request that `row` can make, with `values` put in place."""
    size = row.sizes[0] if row.sizes else (1280, 720)
    length = row.durations_s[0] if row.durations_s else max(1.0, row.shortest_s)
    return replace(Request(row.model, "A corridor.", duration_s=length, size=size), **values)  # type: ignore[arg-type]


def picture(role: str = "asset", tag: str = "") -> Picture:
    return Picture(Path("nowhere.png"), f"sha256:{role}{tag}", role, tag)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", catalog.rows(), ids=lambda r: r.model)
def test_every_row_is_complete(row: catalog.Row) -> None:
    assert row.source
    assert row.protocol
    assert set(row.kinds) <= {"video", "image"}
    assert set(row.starts_from) <= {"text", "image", "video"}
    assert row.audio in ("none", "switch", "always")
    assert set(row.reference_roles) <= {"asset", "style"}
    assert bool(row.references) == bool(row.reference_roles)
    assert bool(row.price) == bool(row.price_source)
    for line in row.price:
        assert (line.usd_per_s is None) != (line.usd_each is None)
    assert not row.replaced_by or catalog.row(row.replaced_by)
    if row.retired is None:
        assert row.protocol in registry.names("models.generators")
        if "video" in row.kinds:
            assert row.durations_s or 0 < row.shortest_s < row.longest_s < math.inf
        for width, height in (*row.sizes, *row.text_sizes):
            assert width % 2 == height % 2 == 0
        assert set(row.text_sizes) <= set(row.sizes)


def test_ids_are_unique_and_the_dead_are_kept() -> None:
    ids = [row.model for row in catalog.rows()]
    assert len(set(ids)) == len(ids)
    for model in NOTES:
        assert catalog.row(model).retired is not None
        follows = catalog.successor(catalog.row(model))
        assert follows is not None
        assert follows.retired is None


def test_a_retired_model_is_answered_by_its_date_and_successor() -> None:
    for model, words in (
        ("veo-3.0-generate-001", ["2026-06-30", "'veo-3.1-generate-001' (generator 'google')"]),
        ("imagen-4.0-generate-001", ["2026-08-17", "'gemini-3.1-flash-image'"]),
        ("sora-2", ["2026-09-24", "without a successor of its own", "gemini-omni-1.2-flash"]),
        ("gemini-omni-flash-preview", ["2026-09-30", "'gemini-omni-1.1-flash'"]),
    ):
        with pytest.raises(CannotExpress) as caught:
            catalog.find(model, catalog.row(model).protocol)
        assert all(word in str(caught.value) for word in words)
        assert str(caught.value).count("\n") == 0


def test_unknown_names_and_other_generators_models() -> None:
    with pytest.raises(CannotExpress, match=r"Did you mean 'gen4\.5'"):
        catalog.row("gen45")
    with pytest.raises(CannotExpress, match="made by the generator 'google', not 'runway'"):
        catalog.find(VEO.model, "runway")
    assert catalog.find("gen4.5", "runway") is GEN45
    assert [r.model for r in catalog.alive("folder")] == ["folder"]
    with pytest.raises(BadSetting, match="described wrongly"):
        catalog.parsed({"model": "x", "protocol": "y", "kinds": [], "colour": "red"})


def test_what_will_die_soon() -> None:
    day = datetime.date(2027, 5, 1)
    assert [r.model for r in catalog.dying(day, 30)] == [
        "veo-3.1-fast-generate-001", "veo-3.1-generate-001",
    ]  # fmt: skip
    assert catalog.dying(day, 2) == ()
    assert len(catalog.dying(datetime.date(2028, 1, 1), 0)) == 2, "past its date is still told"
    assert all(r.retired is None for r in catalog.dying(day, 10_000))


VEO_8 = {"duration_s": 8.0}
LIMITS = [
    (VEO, {"prompt": " "}, "needs a prompt"),
    (VEO, {"duration_s": 5}, "4, 6 or 8 s, not 5 s"),
    (VEO, {"duration_s": math.nan}, "not nan s"),
    (VEO, {"size": (640, 360)}, "not 640x360"),
    (VEO, {"size": (1281, 720)}, "even width and height"),
    (VEO, {"rate": "25"}, "24 frames per second, not 25"),
    (VEO, {"rate": "fast"}, "'fast' is not a frame rate"),
    (VEO, {"size": (1920, 1080)}, "larger than 1280x720 only in takes of 8 s, not 4 s"),
    (VEO, {"size": (3840, 2160), "duration_s": 6}, "only in takes of 8 s"),
    (VEO, {"pictures": (picture(),)}, "reference pictures only for takes of 8 s, not 4 s"),
    (VEO, {**VEO_8, "pictures": (picture(), picture("first_frame"))}, "not both"),
    (VEO, {**VEO_8, "pictures": (picture(),) * 4}, "at most 3 reference pictures, not 4"),
    (VEO, {**VEO_8, "pictures": (picture("style"),)}, "as asset, not style"),
    (VEO, {"pictures": (picture("last_frame"),)}, "only together with a first frame"),
    (VEO, {"pictures": (picture("first_frame"),) * 2}, "one first frame, not several"),
    (VEO, {"seed": -1}, "seeds from 0 to 4294967295, not -1"),
    (VEO, {"seed": 2**32}, "seeds from 0"),
    (VEO, {"parameters": {"quality": 3}}, "no parameter 'quality' .known: personGeneration"),
    (OMNI, {"duration_s": 2.5}, "3 to 15 s, not 2.5 s"),
    (OMNI, {"duration_s": 4.5}, "whole seconds, not 4.5 s"),
    (GEN45, {"prompt": "x" * 1001}, "at most 1000 characters, not 1001"),
    (GEN45, {"prompt": "\N{CLAPPER BOARD}" * 501}, "at most 1000 characters, not 1002"),
    (GEN45, {"prompt": "x" * 990, "negative": "hats and beards"}, "at most 1000 characters"),
    (GEN45, {"duration_s": 11}, "2 to 10 s, not 11 s"),
    (GEN45, {"size": (960, 960)}, "1280x720 or 720x1280, not 960x960"),
    (GEN45, {"pictures": (picture("last_frame"),)}, "takes no last frame"),
    (GEN45, {"pictures": (picture(),)}, "at most 0 reference pictures"),
    (GEN45, {"parameters": {"drift": 1}}, "no parameter 'drift'"),
    (catalog.row("gen4_turbo"), {}, "needs a first frame"),
    (catalog.row("gen4_image_turbo"), {}, "at least 1 reference picture"),
    (STILL, {"pictures": (picture(tag="a-b"),)}, "letters, digits and underscores"),
    (STILL, {"pictures": (picture(tag="ab"),)}, "3 to 16 letters"),
    (STILL, {"pictures": (picture(tag="maya"), picture("style", "maya"))}, "'maya' is there twice"),
    (catalog.row("gemini-3-pro-image"), {"size": (1000, 100)}, "pictures of 1:1, .*not 1000x100"),
    (catalog.row("gemini-3-pro-image"), {"size": (8192, 8192)}, "at most 4096 px squared"),
    (catalog.row("veo-3.0-generate-001"), {}, "retired on 2026-06-30"),
]


@pytest.mark.parametrize(("row", "values", "match"), LIMITS)
def test_a_limit_is_refused_in_one_sentence(
    row: catalog.Row, values: dict[str, object], match: str
) -> None:
    with pytest.raises(CannotExpress, match=match) as caught:
        catalog.check(row, asked(row, **values))
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (VEO, {}),
        (VEO, {"seed": 0, "negative": "hat", "sound": False, "rate": "24/1"}),
        (VEO, {**VEO_8, "size": (3840, 2160), "pictures": (picture(),) * 3}),
        (VEO, {"pictures": (picture("first_frame"), picture("last_frame"))}),
        (OMNI, {"duration_s": 15, "pictures": (picture(), picture("first_frame"))}),
        (GEN45, {"pictures": (picture("first_frame"),), "size": (960, 960), "seed": 2**32 - 1}),
        (GEN45, {"sound": True, "negative": "hat", "rate": "30"}),
        (STILL, {"pictures": (picture(tag="maya"), picture("style"))}),
        (catalog.row("gen4_turbo"), {"pictures": (picture("first_frame"),)}),
        (catalog.row("aleph2"), {"prompt": "", "parameters": {"video": "take.mp4"}}),
        (catalog.row("folder"), {"duration_s": 17.3, "size": (2048, 858), "rate": "24000/1001"}),
        (catalog.row("gemini-3-pro-image"), {"size": (1376, 768)}),
    ],
)
def test_what_a_model_can_make_passes(row: catalog.Row, values: dict[str, object]) -> None:
    catalog.check(row, asked(row, **values))


def test_prices() -> None:
    for values, usd in (
        ({**VEO_8}, 3.2),
        ({**VEO_8, "sound": False}, 1.6),
        ({**VEO_8, "size": (1920, 1080)}, 3.2),
        ({**VEO_8, "size": (3840, 2160)}, 4.8),
        ({**VEO_8, "size": (3840, 2160), "sound": False}, 3.2),
    ):
        assert catalog.price_usd(VEO, asked(VEO, **values)) == pytest.approx(usd)
    assert catalog.price_usd(STILL, asked(STILL, size=(1280, 720))) == 0.05
    assert catalog.price_usd(STILL, asked(STILL, size=(1920, 1080))) == 0.08
    assert catalog.price_usd(catalog.row("folder"), asked(catalog.row("folder"))) == 0
    with pytest.raises(BadSetting, match=r"price of 'gemini-omni-1.2-flash' .* prices = "):
        catalog.price_usd(OMNI, asked(OMNI))
    own = {"prices": {OMNI.model: 0.07, STILL.model: 0.5}}
    assert catalog.price_usd(OMNI, asked(OMNI, duration_s=10), own) == pytest.approx(0.7)
    assert catalog.price_usd(STILL, asked(STILL), own) == 0.5
    for wrong in ("dear", -1, True, math.inf):
        with pytest.raises(BadSetting, match="must be US dollars"):
            catalog.price_usd(OMNI, asked(OMNI), {"prices": {OMNI.model: wrong}})


def test_words_shapes_and_sizes() -> None:
    request = asked(GEN45, prompt="A corridor.", negative="hat.")
    assert catalog.words(GEN45, request) == ("A corridor. Not in the picture: hat.", "")
    assert catalog.words(VEO, request) == ("A corridor.", "hat")
    assert catalog.words(GEN45, replace(request, prompt=""))[0] == "Not in the picture: hat."
    still = catalog.row("gemini-3.1-flash-image")
    sizes = [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (2752, 1536)]
    assert {catalog.aspect(still, size) for size in sizes} == {"16:9"}
    assert [catalog.tier(still, size) for size in sizes] == ["1K", "1K", "2K", "4K", "2K"]
    assert catalog.aspect(still, (1024, 1024)) == "1:1"


def test_capabilities_follow_the_rows() -> None:
    veo = catalog.capability(VEO)
    assert (veo.longest_s, veo.references, veo.sound, veo.seeded) == (8, 3, True, False)
    still = catalog.capability(STILL, finds=True)
    assert (still.kinds, still.longest_s, still.finds) == (("image",), 0.0, True)


def test_the_page_on_providers_names_every_model() -> None:
    page = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
    missing = [row.model for row in catalog.rows() if f"`{row.model}`" not in page]
    assert missing == []
    assert all(f"`{name}`" in page for name in {row.protocol for row in catalog.rows()})
