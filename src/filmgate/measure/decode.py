"""Decoding as little of a shot as an exact answer needs.

A shot is sampled at its first and last frame, at a near neighbour of each, and at frames spread
between. Decoding costs far more than everything else, so:

* packets are read once (about 3 ms for 8 s) and kept; only the needed ones reach the decoder;
* with four keyframes or more in the shot, the frames between are keyframes, each decoded alone,
  and only the first frames of the first group and the last group of pictures are decoded in order;
* otherwise one pass in order decodes the shot once. It never seeks into a long group: eight exact
  seeks cost four full decodes;
* within a run, pictures that nothing refers to (NONREF) are skipped unless they are wanted, and so
  are B-frames that only skipped B-frames refer to, where the stream says so (`references`).

Skipping every B-frame (BIDIR) of every stream would be wrong: x264 at its default preset lets
P-frames refer to B-frames, and they then come out with a mean error of 8 levels, unreported.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from filmgate.errors import MeasurementError
from filmgate.measure import colour, references, soundtrack
from filmgate.measure.probe import Packets, Probe, has_alpha, open_media, scan, with_picture
from filmgate.measure.sample import U8, WORK_HEIGHT_PX, Frame, Sample

ENOUGH_KEYFRAMES: Final = 4
"""From this many keyframes on, keyframes alone show the middle of a shot."""

_SKIPPABLE: Final = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})
"""Decoders that read `skip_frame` anew for every packet; others (dav1d) fix it when they open."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to decode.

    Attributes:
        runs: (first, last) positions in coded order, each decoded from a clean start.
        exact: display indices that must come out.
        loose: display indices for which the next picture that comes out will do, ascending.
        last: display index whose predecessor is wanted too, whichever picture that is; -1 for none.
    """

    runs: tuple[tuple[int, int], ...]
    exact: frozenset[int]
    loose: tuple[int, ...] = ()
    last: int = -1


def sample(
    path: str | Path,
    in_frame: int = 0,
    out_frame: int | None = None,
    *,
    count: int = 8,
    known: Probe | None = None,
    threads: int = 1,
) -> Sample:
    """Decode a few exact frames and the sound of one shot.

    Args:
        path: a video file, or a still image (a shot of one frame).
        in_frame: first frame of the shot, 0-based.
        out_frame: one past its last frame; None for the end of the file.
        count: how many frames to aim at: two at each end, the rest between. Fewer come back for a
            short shot or where keyframes coincide.
        known: the file's `Probe`, when many shots of one file are sampled: saves a pass each.
        threads: decoder threads.

    Returns:
        Frames in time order at working size, and the sound.

    Raises:
        MeasurementError: one sentence on why the shot cannot be read.
    """
    file = Path(path)
    with open_media(file) as (container, stream):
        if known is None:
            found, packets = scan(file, container, stream)
        else:
            found, packets = known, Packets([], [], False)
        end = found.frame_count if out_frame is None else out_frame
        _check_range(file, found, in_frame, end)
        if not packets.complete:
            packets = _read_range(file, found, in_frame, end)
        plan = _plan(found, in_frame, end, max(1, count))
        pictures, damaged = _decode(stream, found, packets, plan, threads)
        if not plan.exact <= pictures.keys() and plan.exact != frozenset(range(in_frame, end)):
            plan = _everything(found, in_frame, end, plan)
            pictures, damaged = _decode(stream, found, packets, plan, threads, skip=False)
        pictures = {
            index: picture for index, picture in pictures.items() if in_frame <= index < end
        }
        if not pictures:
            raise MeasurementError(f"{file.name}: no frame of {in_frame}-{end} can be decoded.")
        frames, notes = _finish(found, pictures)
        notes += _gaps(pictures, damaged, in_frame, end)
        sound, sound_note = soundtrack.under(container, found, packets, in_frame, end)
    return Sample(
        frames=frames,
        sound=sound,
        sound_note=sound_note,
        rate=found.rate,
        in_frame=in_frame,
        out_frame=end,
        notes=(*found.notes, *notes),
    )


def _gaps(
    pictures: dict[int, VideoFrame], damaged: int, in_frame: int, end: int
) -> tuple[str, ...]:
    """Say what could not be decoded."""
    notes = []
    if damaged:
        notes.append(f"{damaged} damaged packets or pictures skipped")
    if min(pictures) > in_frame or max(pictures) < end - 1:
        notes.append(f"only frames {min(pictures)} to {max(pictures)} can be decoded")
    return tuple(notes)


def _check_range(file: Path, found: Probe, in_frame: int, end: int) -> None:
    if in_frame < 0 or end <= in_frame:
        raise MeasurementError(f"{file.name}: frames {in_frame} to {end} are not a range.")
    if end > found.frame_count:
        raise MeasurementError(
            f"{file.name}: frames {in_frame} to {end} were asked for, but it holds "
            f"{found.frame_count} frames."
        )


# --- what to decode ------------------------------------------------------------------------------


def _plan(found: Probe, in_frame: int, end: int, count: int) -> Plan:
    """Choose the frames and the runs of packets that give them."""
    length = end - in_frame
    if not found.timed:  # positions cannot be trusted: decode in order, count what comes out
        targets = np.linspace(in_frame, end - 1, min(count, length)).round().astype(int)
        return Plan(((0, len(found.order) - 1),), frozenset(int(index) for index in targets))
    if length <= count:
        return Plan(_runs(found, range(in_frame, end)), frozenset(range(in_frame, end)))
    ends = {in_frame, end - 1} if count > 1 else {in_frame}
    if count > 3:
        ends.add(_second(found, in_frame, end))
    between = max(0, count - (4 if count > 3 else len(ends)))
    spread = np.linspace(in_frame, end - 1, between + 2)[1:-1]
    keys = np.array([key for key in found.keyframes if in_frame <= key < end], dtype=int)
    if len(keys) >= ENOUGH_KEYFRAMES:
        middle = {int(keys[np.abs(keys - target).argmin()]) for target in spread}
        exact = frozenset(ends | middle)
        return Plan(_runs(found, exact), exact, last=end - 1 if count > 3 else -1)
    first, last = _runs(found, [in_frame])[0][0], max(stop for _, stop in _runs(found, ends))
    loose = tuple(int(target) for target in spread.round())
    return Plan(((first, last),), frozenset(ends), loose, last=end - 1 if count > 3 else -1)


def _second(found: Probe, in_frame: int, end: int) -> int:
    """Pick the second frame of a shot: the next one coded, as any nearer may cost three more."""
    following = found.order.index(in_frame) + 1
    index = found.order[following] if following < len(found.order) else -1
    return index if in_frame < index < min(end - 1, in_frame + 8) else in_frame + 1


def _everything(found: Probe, in_frame: int, end: int, plan: Plan) -> Plan:
    """Turn `plan` into one run over the whole shot, for files that do not keep their promises."""
    last = max((place for place, index in enumerate(found.order) if in_frame <= index < end))
    first = _runs(found, [in_frame])[0][0] if found.timed else 0
    return Plan(((first, last),), plan.exact, plan.loose, plan.last)


def _runs(found: Probe, wanted: Any) -> tuple[tuple[int, int], ...]:
    """Group wanted display indices into runs of coded positions, each from its keyframe on."""
    place = {index: position for position, index in enumerate(found.order) if index >= 0}
    runs: dict[int, int] = {}
    for index in wanted:
        before = bisect_right(found.keyframes, index)
        start = place[found.keyframes[before - 1]] if before else 0
        start = min(start, place[index])
        runs[start] = max(runs.get(start, 0), place[index])
    return tuple(sorted(runs.items()))


def _read_range(file: Path, found: Probe, in_frame: int, end: int) -> Packets:
    """Read the packets of one range again, from the keyframe before it where the file can seek."""
    start = _runs(found, [in_frame])[0][0]
    stop = max(place for place, index in enumerate(found.order) if in_frame <= index < end)
    hidden = -1 in found.order or not found.timed
    place = {found.pts[index]: spot for spot, index in enumerate(found.order) if index >= 0}
    for seeking in (False,) if hidden or start == 0 else (True, False):
        with open_media(file) as (container, stream):
            if seeking:
                try:
                    container.seek(found.pts[found.order[start]], stream=stream)
                except av.FFmpegError:
                    continue
            slots: list[Any] = [None] * len(found.order)
            audio = _collect(container, stream, slots, place if seeking else None, found, stop, end)
            if slots[start] is not None:
                return Packets(slots, audio, True)
    raise MeasurementError(f"{file.name}: frames {in_frame} to {end} cannot be read again.")


def _collect(
    container: InputContainer,
    stream: VideoStream,
    slots: list[Any],
    place: dict[int, int] | None,
    found: Probe,
    stop: int,
    end: int,
) -> list[av.Packet[Any]]:
    """Fill `slots` (coded position to packet) up to `stop`; return the sound packets met."""
    sounds = container.streams.audio[:1]
    kept: list[av.Packet[Any]] = []
    enough_s = float(found.pts[end - 1] * found.time_base) + 0.5 if found.timed else None
    position, done, quiet = 0, False, not sounds
    try:
        for packet in container.demux([stream, *sounds]):
            if packet.size == 0:
                continue
            if packet.stream_index != stream.index:
                kept.append(packet)
                when_s = float((packet.pts or 0) * (packet.time_base or 0))
                quiet = enough_s is not None and when_s > enough_s
            else:
                when = packet.pts if packet.pts is not None else packet.dts
                spot = position if place is None else place.get(when if when is not None else -1)
                position += 1
                if spot is not None and spot < len(slots):
                    slots[spot] = packet
                    done = done or spot >= stop
            if done and quiet:
                break
    except av.FFmpegError:
        pass
    return kept


# --- pictures ------------------------------------------------------------------------------------


def _decode(
    stream: VideoStream,
    found: Probe,
    packets: Packets,
    plan: Plan,
    threads: int,
    *,
    skip: bool = True,
) -> tuple[dict[int, VideoFrame], int]:
    """Run the plan.

    Returns:
        The wanted pictures by display index, and how many packets or pictures were damaged.
    """
    context = stream.codec_context
    if not context.is_open:
        context.thread_type = "SLICE"  # frame threads would act on `skip_frame` packets too late
        context.thread_count = threads
    skip = skip and found.timed and context.name in _SKIPPABLE
    kept: dict[int, VideoFrame] = {}
    waiting, damaged, number = list(plan.loose), 0, 0
    reader = references.Reader(context.extradata) if context.name == "h264" else None
    for first, last in plan.runs:
        previous: tuple[int, VideoFrame] | None = None
        levels = _levels(reader, found, packets.video, (first, last), plan) if skip else {}
        for picture in _run(context, packets.video, (first, last), levels):
            if picture is None or picture.is_corrupt:
                damaged += 1
                number += picture is not None
                continue
            index = number
            if found.timed:
                index = found.index_of(picture.pts) if picture.pts is not None else -1
            number += 1
            take = index in plan.exact
            if waiting and index >= waiting[0]:
                take = True
                waiting = [target for target in waiting if target > index]
            if take:
                kept[index] = picture
            if previous is not None and index == plan.last:
                kept[previous[0]] = previous[1]
            previous = (index, picture)
    return kept, damaged


def _levels(
    reader: references.Reader | None,
    found: Probe,
    packets: list[av.Packet[Any]],
    run: tuple[int, int],
    plan: Plan,
) -> dict[int, str]:
    """Say by coded position what the decoder may skip at each packet of a run."""
    spare: frozenset[int] = frozenset()
    if reader is not None:
        spare = reader.spare(packets, found.order, run, plan.exact, plan.loose)
    levels = {}
    for position in range(run[0], run[1] + 1):
        wanted = found.order[position] in plan.exact
        levels[position] = "DEFAULT" if wanted else "BIDIR" if position in spare else "NONREF"
    return levels


def _run(
    context: Any, packets: list[av.Packet[Any]], run: tuple[int, int], levels: dict[int, str]
) -> Iterator[VideoFrame | None]:
    """Decode packets of one run, yielding pictures, and None for a packet that fails."""
    first, last = run
    context.flush_buffers()
    for position in range(first, last + 1):
        packet = packets[position] if position < len(packets) else None
        if packet is None:
            continue
        if levels:
            context.skip_frame = levels[position]
        try:
            yield from context.decode(packet)
        except av.FFmpegError:
            yield None
    try:
        yield from context.decode(None)
    except av.FFmpegError:
        return


def _finish(
    found: Probe, pictures: dict[int, VideoFrame]
) -> tuple[tuple[Frame, ...], tuple[str, ...]]:
    """Turn decoded pictures into working frames; say which rules were applied."""
    settled = with_picture(found, pictures[min(pictures)])
    layout = pictures[min(pictures)].format
    jpeg = layout.name.startswith("yuvj") or (found.still and not layout.is_rgb)
    tags, notes = colour.settle_tags(
        settled.tags,
        settled.coded_width,
        settled.coded_height,
        yuv=not layout.is_rgb and layout.name != "pal8",
        jpeg=jpeg,
    )
    notes = (*notes, *colour.tone_notes(tags))
    if has_alpha(layout.name):
        notes = (*notes, "transparency shown over black")
    if settled.interlaced:
        notes = (*notes, "interlaced: one field of each frame is used")
    scaler = VideoReformatter()  # one for all: setting one up costs as much as scaling a frame
    frames = tuple(
        Frame(
            index=index,
            time_s=found.time_of(index),
            rgb=_working_rgb(picture, settled, tags, scaler),
        )
        for index, picture in sorted(pictures.items())
    )
    return frames, notes


def _working_rgb(
    picture: VideoFrame, found: Probe, tags: colour.ColourTags, scaler: VideoReformatter
) -> U8:
    """Scale, convert and turn one picture.

    libswscale only scales, in the stream's own Y'CbCr; matrix and range are ours, so that no
    default of the library decides a colour.
    """
    layout = picture.format
    alpha, deep = has_alpha(layout.name), layout.components[0].bits > 8
    if layout.is_rgb or layout.name == "pal8":
        target = ("rgba64le" if deep else "rgba") if alpha else ("rgb48le" if deep else "rgb24")
    else:
        target = "yuva444p" if alpha else "yuv444p"
        target += "16le" if deep else ""
    size = _working_size(picture, found)
    stored = (picture.width, picture.height) if found.interlaced else size
    # equal source and destination: a difference would make swscale convert, not only scale
    small = scaler.reformat(
        picture,
        *stored,
        format=target,
        interpolation="AREA",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range="JPEG" if tags.full_range else "MPEG",
        dst_color_range="JPEG" if tags.full_range else "MPEG",
    )
    planes = _pixels(small)
    if found.interlaced:
        planes = cv2.resize(planes[::2], size, interpolation=cv2.INTER_AREA)
    rgb = _to_rgb(planes, tags, deep)
    if found.rotation:
        rgb = np.rot90(rgb, found.rotation // 90)
    return np.ascontiguousarray(rgb)


def _working_size(picture: VideoFrame, found: Probe) -> tuple[int, int]:
    """Width and height before rotation, pixels, that display at most WORK_HEIGHT_PX lines."""
    wide = picture.width * float(found.pixel_aspect)
    shown = wide if found.rotation in (90, 270) else picture.height
    shrink = min(1.0, WORK_HEIGHT_PX / shown)
    return max(1, round(wide * shrink)), max(1, round(picture.height * shrink))


def _pixels(picture: VideoFrame) -> Any:
    """Planes of equal size or packed pixels as (h, w, channels), uint8 or uint16.

    Read from memory: PyAV's own arrays put the channels first for some depths and last for others.
    """
    kind = np.uint16 if picture.format.components[0].bits > 8 else np.uint8
    packed = 1 if picture.format.is_planar else len(picture.format.components)
    planes: list[Any] = []
    for plane in picture.planes:
        rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
        planes.append(rows[:, : picture.width * packed].reshape(plane.height, -1, packed))
    return planes[0] if packed > 1 else cv2.merge(planes)


def _to_rgb(planes: Any, tags: colour.ColourTags, deep: bool) -> U8:
    """Turn scaled pixels (h, w, 3 or 4), Y'CbCr or RGB with or without alpha, into display RGB."""
    peak = 65535.0 if deep else 255.0
    opacity = planes[..., 3:].astype(np.float32) / peak if planes.shape[2] == 4 else None
    planes = np.ascontiguousarray(planes[..., :3])
    plain = opacity is None and not deep and not colour.needs_light(tags)
    if tags.matrix == 0:
        if plain:
            return np.asarray(planes, dtype=np.uint8)
        signal = planes.astype(np.float32) / np.float32(peak)
    else:
        matrix: Any = colour.yuv_matrix(tags.matrix, bool(tags.full_range), 16 if deep else 8)
        if plain:  # eight bits in and out: ten times cheaper, and within one level of the rest
            return np.asarray(cv2.transform(planes, matrix * 255), dtype=np.uint8)
        signal = cv2.transform(planes.astype(np.float32), matrix).astype(np.float32, copy=False)
    rgb = colour.display_rgb(signal, tags)
    if opacity is not None:
        rgb = np.rint(rgb * opacity).astype(np.uint8)
    return rgb
