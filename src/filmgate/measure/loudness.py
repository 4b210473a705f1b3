"""Loudness and true peak by ITU-R BS.1770-4, the measure under EBU R128.

FFmpeg's biquad filters, which the decoder brings along, do the weighting: the usual packages import
all of scipy.signal for it, three seconds of every measuring process.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

F64 = NDArray[np.float64]

BLOCK_S: Final = 0.4
"""Gating block, seconds; shorter sound has no loudness (BS.1770-4 annex 1)."""
_STEP: Final = 0.25
"""Blocks overlap by three quarters."""
_ABSOLUTE_LUFS: Final = -70.0
_RELATIVE_LU: Final = -10.0
_GAINS: Final = np.array([1.0, 1.0, 1.0, 1.41, 1.41])
"""Weights of left, right, centre, left and right surround."""
_OFFSET_LU: Final = -0.691
"""Makes a 1 kHz sine in one channel read its level less 3 dB."""

_CHUNK: Final = 1 << 15
"""Samples filtered at a time: 256 KiB stay in the cache, 4 MiB take twice as long."""

_OVER: Final = 4
_REACH: Final = 10
"""The oversampling filter reaches this many samples to each side."""


class Loudness(NamedTuple):
    """Gated programme loudness and the 400 ms blocks it comes from, LUFS.

    Attributes:
        integrated_lufs: -inf or NaN where no block passes the gates.
        blocks_lufs: (n,); -inf for a block of digital silence.
    """

    integrated_lufs: float
    blocks_lufs: F64


def loudness(samples: F64, rate_hz: int) -> Loudness:
    """Loudness of `samples`, (n, channels) of at least `BLOCK_S`, at most five channels."""
    power = np.stack([_block_power(channel, rate_hz) for channel in samples.T])
    gains = _GAINS[: len(power)]
    with np.errstate(divide="ignore", invalid="ignore"):
        blocks = _lufs(power, gains)
        loud = blocks >= _ABSOLUTE_LUFS
        gate = _lufs(_mean(power, loud), gains)[0] + _RELATIVE_LU
        kept = loud & (blocks > gate) & (blocks > _ABSOLUTE_LUFS)
        return Loudness(float(_lufs(_mean(power, kept), gains)[0]), blocks)


def _mean(power: F64, kept: NDArray[np.bool_]) -> F64:
    """(channels, 1) mean power of the blocks kept; 0 where none is."""
    means = [float(row[kept].mean()) if kept.any() else 0.0 for row in power]
    return np.array(means)[:, None]


def _lufs(power: F64, gains: F64) -> F64:
    total: F64 = (gains[:, None] * power).sum(axis=0)
    return _OFFSET_LU + 10.0 * np.log10(total)


def _block_power(channel: F64, rate_hz: int) -> F64:
    """Mean square of each block of one K-weighted channel."""
    weighted = k_weighted(channel, rate_hz)
    count = int(np.round((len(channel) / rate_hz - BLOCK_S) / (BLOCK_S * _STEP)) + 1)
    edges = [
        (int(BLOCK_S * (j * _STEP) * rate_hz), int(BLOCK_S * (j * _STEP + 1) * rate_hz))
        for j in range(count)
    ]
    squares = np.square(weighted)
    return np.array([squares[a:b].sum() for a, b in edges]) * (1.0 / (BLOCK_S * rate_hz))


class _Biquad(NamedTuple):
    """Numerator b and denominator a of a second-order filter, a0 = 1."""

    b: F64
    a: F64


@lru_cache(maxsize=4)
def _weighting(rate_hz: int) -> tuple[_Biquad, _Biquad]:
    """The two stages of BS.1770's K-weighting at any sample rate, by the formulas of the Audio EQ
    Cookbook (Bristow-Johnson): +4 dB above 1.5 kHz for the head, high pass at 38 Hz.
    """
    gain = 10 ** (4.0 / 40.0)
    turn = 2.0 * np.pi * (1500.0 / rate_hz)
    alpha = np.sin(turn) / (2.0 * (1 / np.sqrt(2)))
    up, down, cosine, root = gain + 1, gain - 1, np.cos(turn), 2 * np.sqrt(gain) * alpha
    shelf = _Biquad(
        np.array([
            gain * (up + down * cosine + root),
            -2 * gain * (down + up * cosine),
            gain * (up + down * cosine - root),
        ]),
        np.array([up - down * cosine + root, 2 * (down - up * cosine), up - down * cosine - root]),
    )  # fmt: skip
    turn = 2.0 * np.pi * (38.0 / rate_hz)
    alpha, cosine = np.sin(turn) / (2.0 * 0.5), np.cos(turn)
    high = _Biquad(
        np.array([(1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2]),
        np.array([1 + alpha, -2 * cosine, 1 - alpha]),
    )
    return (
        _Biquad(shelf.b / shelf.a[0], shelf.a / shelf.a[0]),
        _Biquad(high.b / high.a[0], high.a / high.a[0]),
    )


def k_weighted(channel: F64, rate_hz: int) -> F64:
    """One channel (n,) through the K-weighting filters, in double precision."""
    graph = Graph()
    graph.threads = 1  # one channel: more would only be started and ended again
    source = last = graph.add(
        "abuffer",
        f"sample_rate={rate_hz}:sample_fmt=dblp:channel_layout=mono:time_base=1/{rate_hz}",
    )
    for stage in _weighting(rate_hz):
        told = [f"b{i}={float(value)!r}" for i, value in enumerate(stage.b)]
        told += [f"a{i}={float(value)!r}" for i, value in enumerate(stage.a)]
        node = graph.add("biquad", ":".join([*told, "precision=f64", "transform=tdii"]))
        last.link_to(node)
        last = node
    sink = graph.add("abuffersink")
    last.link_to(sink)
    graph.configure()
    done: list[F64] = []
    for start in range(0, len(channel), _CHUNK):
        piece = np.ascontiguousarray(channel[None, start : start + _CHUNK])
        frame = av.AudioFrame.from_ndarray(piece, format="dblp", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, start
        source.push(frame)
        done += _drained(sink)
    source.push(None)
    return np.concatenate([*done, *_drained(sink)])


def _drained(sink: Any) -> Iterator[F64]:
    while True:
        try:
            yield sink.pull().to_ndarray()[0]
        except (av.EOFError, av.BlockingIOError):
            return


def true_peak_dbtp(samples: F64) -> float:
    """True peak of (n, channels), dBTP: four times oversampled (BS.1770-4 annex 2) around the
    loudest sample.
    """
    # Channel by channel: numpy takes twenty times as long along rows of two.
    sizes = [np.abs(channel) for channel in samples.T]
    loudest = int(np.argmax([size.max() for size in sizes]))
    mono, at = samples[:, loudest], int(np.argmax(sizes[loudest]))
    peak = float(np.abs(_oversampled(mono[max(0, at - 256) : at + 256])).max())
    return 20.0 * float(np.log10(max(peak, 1e-6)))


@lru_cache(maxsize=1)
def _taps() -> F64:
    """Windowed sinc (Kaiser, beta 5) that cuts at the old half rate; gain `_OVER`."""
    at = np.arange(-_REACH * _OVER, _REACH * _OVER + 1)
    taps = np.sinc(at / _OVER) / _OVER * np.kaiser(len(at), 5.0)
    return np.asarray(taps / taps.sum() * _OVER, dtype=np.float64)


def _oversampled(wave: F64) -> F64:
    """`wave` (n,) at `_OVER` times its rate, (n * _OVER,): a polyphase filter, phase by phase."""
    padded = np.pad(wave, _REACH)
    out = np.zeros((len(wave), _OVER))
    for phase in range(_OVER):
        taps = _taps()[phase::_OVER]
        for k in range(len(taps) - 1, -1, -1):
            start = 2 * _REACH - k
            out[:, phase] += taps[k] * padded[start : start + len(wave)]
    return out.reshape(-1)
