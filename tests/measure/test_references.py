"""Leaving out B-pictures: only where nothing can tell, and where it saves something."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from filmgate.measure import references
from filmgate.measure.decode import sample
from filmgate.measure.probe import open_media, probe, scan

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import media

PYRAMID = {"bf": "3", "b_strategy": "0", "b-pyramid": "normal"}


def spared(path: Path, exact: set[int], first: int = 0) -> tuple[frozenset[int], int]:
    """Coded positions left out of a whole file, and how many pictures it holds."""
    with open_media(path) as (container, stream):
        found, packets = scan(path, container, stream)
        extradata = stream.codec_context.extradata
        run = (first, len(found.order) - 1)
        out = references.Reader(extradata).spare(packets.video, found.order, run, frozenset(exact))
    return out, len(found.order)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"x264-params": "slices=4"},
        {"x264-params": "open-gop=1", "g": "20"},
        {"x264-params": "weightp=1:aud=1"},
        {"x264-params": "b-pyramid=strict:cabac=0"},
        {"x264-params": "direct=temporal:cqm=jvt"},
        {"bf": "7"},
        {"bf": "1"},
        {"bf": "0"},
        {"refs": "2"},
        {"preset": "medium"},
        {"preset": "slow"},
        {"flags": "+ilme+ildct"},
        {"x264-params": "intra-refresh=1:keyint=12"},
    ],
    ids=lambda more: " ".join(f"{key}={value}" for key, value in more.items()) or "plain",
)
def test_what_comes_out_is_the_same_to_the_bit(
    tmp_path: Path, ending: str, more: dict[str, str]
) -> None:
    options = {"preset": "veryfast", **PYRAMID, **more}
    path = media.write(tmp_path / f"a.{ending}", media.moving(61), gop=250, options=options)
    whole = {frame.index: frame.rgb for frame in sample(path, count=61).frames}
    assert len(whole) == 61
    for start, stop in ((0, 61), (0, 60), (3, 59), (22, 58)):
        got = sample(path, start, stop)
        assert (got.frames[0].index, got.frames[-1].index) == (start, stop - 1)
        assert not any("damaged" in note for note in got.notes)
        for frame in got.frames:
            np.testing.assert_array_equal(frame.rgb, whole[frame.index])


@pytest.mark.parametrize("ending", ["mp4", "ts"])
def test_half_of_the_b_pictures_of_a_pyramid_are_not_needed(tmp_path: Path, ending: str) -> None:
    path = media.write(
        tmp_path / f"a.{ending}", media.moving(61), options={"preset": "veryfast", **PYRAMID}
    )
    out, count = spared(path, {0, 60})
    assert count / 5 < len(out) < count / 3
    after = spared(path, {0, 30, 60})[0]  # frame 30 is one of them: all before it is kept
    assert after == {position for position in out if position > max(out - after)}
    assert 0.3 < len(after) / len(out) < 0.7


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "medium"},  # three references: a P-picture may look at any
        {"preset": "veryfast", "flags": "+ilme+ildct"},  # fields
        {"preset": "veryfast", "bf": "0"},  # nothing to leave out
    ],
    ids=["three references", "fields", "no B"],
)
def test_a_stream_that_does_not_say_is_decoded_whole(
    tmp_path: Path, options: dict[str, str]
) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(61), options={**PYRAMID, **options})
    assert spared(path, {0, 60})[0] == frozenset()


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_where_a_renewal_begins_is_no_clean_start(tmp_path: Path, ending: str) -> None:
    """Intra refresh: such packets are marked as keyframes, and hold P-slices."""
    path = tmp_path / f"a.{ending}"
    renewed = {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=12"}
    media.write(path, media.moving(61), options=renewed)
    assert probe(path).keyframes == (0,)
    media.write(path, media.moving(61), gop=12, options={"preset": "veryfast"})
    assert probe(path).keyframes == (0, 12, 24, 36, 48, 60)


@pytest.mark.parametrize("between", [3, 7, 16])
@pytest.mark.parametrize("count", [16, 24, 36, 96])
def test_no_fewer_pictures_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: int, count: int
) -> None:
    options = {"preset": "veryfast", **PYRAMID, "bf": str(between)}
    path = media.write(tmp_path / "a.mp4", media.moving(count), options=options)
    seen = len(sample(path).frames)
    monkeypatch.setattr(references.Reader, "spare", lambda *_: frozenset())
    assert seen == len(sample(path).frames)


def test_parameter_sets_that_change_make_a_stream_unclear(tmp_path: Path) -> None:
    """Its second half has three references, which only its own parameter sets say."""
    parts = [
        media.write(
            tmp_path / f"{refs}.ts",
            media.moving(31),
            options={"preset": "veryfast", **PYRAMID, "x264-params": f"ref={refs}"},
        )
        for refs in (1, 3)
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    with open_media(both) as (container, stream):
        found, packets = scan(both, container, stream)
        extradata = stream.codec_context.extradata
    first = references.Reader(extradata)
    assert first.spare(packets.video, range(62), (0, 30), frozenset({0}))
    assert not first.spare(packets.video, range(62), (31, 61), frozenset({31}))
    assert not first.spare(packets.video, range(62), (0, 30), frozenset({0})), "nor afterwards"
    assert not references.Reader(extradata).spare(packets.video, range(62), (0, 61), frozenset({0}))

    class Told:
        """A packet at which the container says that the configuration changes."""

        def has_sidedata(self, kind: str) -> bool:
            return kind == "new_extradata"

    told = [Told(), *packets.video[1:]]
    assert not references.Reader(extradata).spare(told, range(62), (0, 30), frozenset({0}))
    assert len(found.order) == 62


def test_a_run_that_does_not_begin_anew_is_decoded_whole(tmp_path: Path) -> None:
    """Open groups: libavcodec may wait for a picture of a certain number there."""
    options = {"preset": "veryfast", **PYRAMID, "x264-params": "open-gop=1:keyint=20:scenecut=0"}
    path = media.write(tmp_path / "a.mp4", media.moving(61), options=options)
    second = probe(path).keyframes[1]
    with open_media(path) as (container, stream):
        found, packets = scan(path, container, stream)
        reader = references.Reader(stream.codec_context.extradata)
        start = found.order.index(second)
        assert reader.spare(packets.video, found.order, (0, start - 1), frozenset({0}))
        assert not reader.spare(packets.video, found.order, (start, 60), frozenset({second}))


@pytest.mark.parametrize(
    ("slices", "clean"),
    [
        ("65 88", True),  # IDR
        ("61 88", True),  # an I-slice from the first macroblock on
        ("61 98", False),  # a P-slice
        ("61 88, 61 46", False),  # a P-slice below it
        ("61 88, 61 98", True),  # a second field, which may look at the first
        ("65 88, 61 98", True),
        ("67 64", True),  # no slice at all
    ],
)
def test_the_first_field_says_whether_a_start_is_clean(slices: str, clean: bool) -> None:
    packet = b"".join(b"\0\0\1" + bytes.fromhex(unit) + b"\x80" for unit in slices.split(", "))
    assert references.clean_start(None, packet) is clean


def test_a_picture_kept_for_the_long_term_leaves_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"preset": "veryfast", **PYRAMID}
    path = media.write(tmp_path / "a.ts", media.moving(31), options=options)
    with open_media(path) as (container, stream):
        found, packets = scan(path, container, stream)
        extradata = stream.codec_context.extradata
    first = bytes(packets.video[0])
    head = first.index(b"\0\0\1\x65") + 4
    left: list[int] = []
    check = references._check_marking

    def noting(bits: references._Bits, *, fresh: bool) -> None:
        left.append(bits.left)
        check(bits, fresh=fresh)

    monkeypatch.setattr(references, "_check_marking", noting)
    run = (0, 30)
    assert references.Reader(extradata).spare(packets.video, found.order, run, frozenset({0}))
    at = 63 * 8 - left[0] + 1  # long_term_reference_flag, counted from the slice's second byte
    kept = bytearray(first)
    kept[head + at // 8] |= 0x80 >> at % 8
    assert bytes(kept) != first
    changed = [av.Packet(bytes(kept)), *packets.video[1:]]
    assert not references.Reader(extradata).spare(changed, found.order, run, frozenset({0}))


def test_a_gap_leaves_nothing_out(tmp_path: Path) -> None:
    options = {"preset": "veryfast", **PYRAMID}
    path = media.write(tmp_path / "a.mp4", media.moving(61), options=options)
    with open_media(path) as (container, stream):
        found, packets = scan(path, container, stream)
        extradata = stream.codec_context.extradata
        run = (0, len(found.order) - 1)
        ends = frozenset({0, 60})
        good = references.Reader(extradata).spare(packets.video, found.order, run, ends)
        assert good
        lost = min(good)
        for hole in (
            None,
            packets.video[lost + 1],
        ):  # a packet not read, and one in another's place
            broken = [*packets.video]
            broken[lost] = hole
            assert not references.Reader(extradata).spare(broken, found.order, run, ends)
        assert not references.Reader(b"").spare(packets.video, found.order, run, ends)
        assert not references.Reader(None).spare(packets.video, found.order, run, ends)


def test_headers_of_noise_are_no_error(tmp_path: Path) -> None:
    options = {"preset": "veryfast", **PYRAMID}
    path = media.write(tmp_path / "a.mp4", media.moving(25), options=options)
    with open_media(path) as (container, stream):
        found, packets = scan(path, container, stream)
        extradata = stream.codec_context.extradata or b""
        clean = [bytes(packet) for packet in packets.video]
    run = (0, len(clean) - 1)
    rng = np.random.default_rng(5)
    for _ in range(300):
        noisy = [bytearray(packet) for packet in clean]
        for packet in noisy:
            packet[int(rng.integers(0, min(24, len(packet))))] = int(rng.integers(256))
        packed = [av.Packet(bytes(packet)) for packet in noisy]
        setup = bytearray(extradata)
        setup[int(rng.integers(0, len(setup)))] = int(rng.integers(256))
        for configuration in (extradata, bytes(setup), bytes(setup[: len(setup) // 2])):
            out = references.Reader(configuration).spare(
                packed, found.order, run, frozenset({0, 24})
            )
            assert out <= set(range(len(clean)))
