"""Sound: loudness by EBU R128 and the room tone under it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.measure import loudness
from filmgate.measure.sample import Sound
from filmgate.schema.signature import ROOM_TONE_BANDS, SoundSignature

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SILENCE_DBFS = -90.0
"""Below this a channel carries no sound, only the noise of its coding."""
_WINDOW_S = 0.1
_QUIET_SHARE = 0.2
_LEAST_WINDOWS = 3
_CENTRES_HZ = 50.0 * 2.0 ** (np.arange(ROOM_TONE_BANDS) / 3.0)


def _db(power: float) -> float:
    return 10.0 * float(np.log10(max(power, 1e-12)))


def measure(sound: Sound) -> SoundSignature | str:
    """Loudness and room tone; or, as a string, why they cannot be measured."""
    samples = sound.samples.astype(np.float64)
    duration_s = len(samples) / sound.rate_hz
    if duration_s < 0.4:
        return f"only {duration_s:.2f} s of sound, loudness needs 0.4 s"
    if _db(float(np.mean(samples**2))) < SILENCE_DBFS:
        return "the sound track is silent"
    integrated, momentary = _loudness(_without_lfe(samples), sound.rate_hz)
    tone, level, spread = _room_tone(_mono(samples), sound.rate_hz)
    return SoundSignature(
        integrated_lufs=integrated, momentary_lufs=momentary,
        true_peak_dbtp=loudness.true_peak_dbtp(samples), room_tone_db=tone, room_level_db=level,
        room_spread_db=spread, duration_s=duration_s,
    )  # fmt: skip


def _without_lfe(samples: F64) -> F64:
    """At most five channels in BS.1770's order (L R C Ls Rs): of 5.1 (FL FR FC LFE BL BR) the
    effects channel does not count.
    """
    return samples[:, [0, 1, 2, 4, 5]] if samples.shape[1] == 6 else samples[:, :5]


def _mono(samples: F64) -> F64:
    """Mean of the channels; of two, without numpy's slow way along rows of two."""
    if samples.shape[1] == 2:
        return np.asarray((samples[:, 0] + samples[:, 1]) / 2, dtype=np.float64)
    return np.asarray(samples.mean(axis=1), dtype=np.float64)


def _loudness(samples: F64, rate_hz: int) -> tuple[float | None, float | None]:
    """Integrated (gated) and median momentary loudness, LUFS; None where there is none."""
    integrated, blocks = loudness.loudness(samples, rate_hz)
    audible = blocks[np.isfinite(blocks) & (blocks > -70)]
    return (
        integrated if np.isfinite(integrated) else None,
        float(np.median(audible)) if len(audible) else None,
    )


def _room_tone(mono: F64, rate_hz: int) -> tuple[F32 | None, float | None, float | None]:
    """Third-octave spectrum (dB about its mean) and level (dBFS) of the quietest windows, and the
    rms difference (dB) of that spectrum between the two halves.
    """
    size = int(rate_hz * _WINDOW_S)
    count = len(mono) // size
    if count < 5:
        return None, None, None
    windows = mono[: count * size].reshape(count, size)
    power = np.mean(windows**2, axis=1)
    audible = np.flatnonzero(power > 10 ** (SILENCE_DBFS / 10))
    if len(audible) < _LEAST_WINDOWS:
        return None, None, None
    quiet = _quietest(power, audible)
    tone = _spectrum(windows[quiet], rate_hz)
    halves = audible[: len(audible) // 2], audible[len(audible) // 2 :]
    spread = None
    if len(halves[0]) >= _LEAST_WINDOWS:
        one, two = (_spectrum(windows[_quietest(power, half)], rate_hz) for half in halves)
        spread = float(np.sqrt(np.mean((one - two) ** 2)))
    return tone.astype(np.float32), _db(float(np.mean(power[quiet]))), spread


def _quietest(power: F64, of: NDArray[np.int64]) -> NDArray[np.int64]:
    """The quietest fifth of the windows `of`, at least three."""
    count = max(_LEAST_WINDOWS, int(len(of) * _QUIET_SHARE))
    return np.asarray(of[np.argsort(power[of])[:count]])


def _spectrum(windows: F64, rate_hz: int) -> F64:
    """(25,) third-octave levels of (n, size) windows, dB about their mean."""
    size = windows.shape[1]
    taper = np.hanning(size)
    spectrum = np.abs(np.fft.rfft(windows * taper, axis=1)) ** 2
    frequency = np.asarray(np.fft.rfftfreq(size, 1 / rate_hz), dtype=np.float64)
    mean = spectrum.mean(axis=0) / (taper**2).sum()
    bands = np.array([_band(mean, frequency, centre) for centre in _CENTRES_HZ])
    tone = 10.0 * np.log10(np.maximum(bands, 1e-14))
    return np.asarray(tone - tone.mean(), dtype=np.float64)


def _band(spectrum: F64, frequency: F64, centre_hz: float) -> float:
    """Mean power of a third octave; of the nearest line where the band is narrower than one."""
    inside = (frequency >= centre_hz * 2 ** (-1 / 6)) & (frequency < centre_hz * 2 ** (1 / 6))
    if not inside.any():
        return float(np.interp(centre_hz, frequency, spectrum))
    return float(spectrum[inside].mean())
