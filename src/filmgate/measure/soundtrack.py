"""Decoding the sound under a shot, at 48 kHz and in step with its first frame."""

from __future__ import annotations

from typing import Any, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from filmgate.measure.probe import Packets, Probe
from filmgate.measure.sample import F32, Sound

_RATE_HZ: Final = 48_000
_PREROLL_S: Final = 0.1
"""Sound decoded before the shot and thrown away, so that a codec's overlap has settled, seconds."""


def under(
    container: InputContainer, found: Probe, packets: Packets, in_frame: int, end: int
) -> tuple[Sound | None, str | None]:
    """Decode the sound under the frames [`in_frame`, `end`), aligned to the first of them.

    Args:
        container: the open file.
        found, packets: what `probe.scan` read of it.

    Returns:
        The sound, or None and the reason.
    """
    if found.still or not container.streams.audio:
        return None, "no sound"
    origin_s = float(found.pts[0] * found.time_base) if found.timed else 0.0
    start_s = origin_s + found.time_of(in_frame)
    after = found.time_of(end) if end < found.frame_count else found.duration_s
    stop_s = origin_s + after
    chosen = _between(packets.audio, start_s - _PREROLL_S, stop_s)
    if not chosen:
        return None, "no sound in this range"
    context = container.streams.audio[0].codec_context
    context.thread_count = 1
    first_s, blocks = _sound_blocks(context, chosen, start_s)
    if first_s is None or not blocks:
        return None, "its sound cannot be decoded"
    if len({len(block) for block in blocks}) > 1:
        return None, "its sound changes its number of channels"
    offset = round((start_s - first_s) * _RATE_HZ)
    length = round((stop_s - start_s) * _RATE_HZ)
    return Sound(_cut(blocks, offset, length)), None


def _between(packets: list[av.Packet[Any]], start_s: float, stop_s: float) -> list[av.Packet[Any]]:
    """The packets of one stream presented from `start_s` on and before `stop_s`."""
    base = packets[0].time_base if packets else None
    if base is None:
        return packets if start_s <= 0 < stop_s else []
    # The nearest float to the exact time, without a fraction for each of hundreds of packets.
    up, down = base.numerator, base.denominator
    return [p for p in packets if start_s <= (p.pts or 0) * up / down < stop_s]


def _sound_blocks(
    context: Any, packets: list[av.Packet[Any]], start_s: float
) -> tuple[float | None, list[list[F32]]]:
    """Decode sound packets.

    Returns:
        When the first block starts (None if nothing can be decoded; `start_s` if it does not say),
        seconds, and the blocks: one array (n,) per channel at 48 kHz.
    """
    # planes stay apart until the end: the layout and the number of channels are the stream's own
    resampler = av.AudioResampler(format="fltp", rate=_RATE_HZ)
    blocks: list[list[F32]] = []
    first_s: float | None = None
    ready = False
    feed: list[av.Packet[Any] | None] = [*packets, None]
    for entry in feed:
        try:
            decoded = context.decode(entry)
        except av.FFmpegError:
            continue
        for piece in decoded:
            if first_s is None:
                first_s = piece.time if piece.time is not None else start_s
                ready = piece.format.name == "fltp" and piece.sample_rate == _RATE_HZ
            if ready:
                blocks.append(_channels(piece))
            else:
                blocks += [_channels(part) for part in resampler.resample(piece)]
    if first_s is not None and not ready:
        blocks += [_channels(part) for part in resampler.resample(None)]
    return first_s, blocks


def _channels(piece: AudioFrame) -> list[F32]:
    """The planes of a block as they lie in memory, one (n,) per channel."""
    return [np.frombuffer(memoryview(plane), np.float32, piece.samples) for plane in piece.planes]


def _cut(blocks: list[list[F32]], offset: int, length: int) -> F32:
    """Samples [`offset`, `offset` + `length`) of the blocks, (n, channels), as far as they reach.

    Sound that starts late (`offset` below 0) stays in step with the picture: silence goes before.
    """
    total = sum(len(block[0]) for block in blocks)
    start = max(0, offset)
    silent = min(max(0, -offset), length)
    count = max(0, min(length - silent, total - start))
    wave = np.zeros((silent + count, len(blocks[0])), np.float32)
    for channel in range(wave.shape[1]):
        whole = np.concatenate([block[channel] for block in blocks])
        wave[silent:, channel] = whole[start : start + count]
    return wave
