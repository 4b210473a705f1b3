"""The sound of a shot: room tone shaped by the place, footsteps, a voice-like hum; 48 kHz mono."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmgate.models.animatic.colour import Doubles, Floats
from filmgate.models.animatic.spec import ShotSpec, SoundSpec

SOUND_RATE = 48_000
# Room tones as points (Hz, dB) of their spectrum; straight lines between them over log frequency.
_SPECTRA: dict[str, tuple[tuple[float, float], ...]] = {
    "hush": ((20, 0), (100, -8), (500, -24), (2000, -38), (8000, -50), (20000, -64)),
    "vent": ((20, -10), (90, -4), (250, 0), (700, -7), (2500, -24), (20000, -55)),
    "hum": ((20, -18), (70, -14), (400, -26), (1500, -30), (6000, -36), (20000, -58)),
    "street": ((20, 0), (60, 4), (160, -4), (900, -12), (3000, -26), (20000, -52)),
    "rain": ((20, -30), (300, -18), (1500, -6), (5000, 0), (10000, -4), (20000, -14)),
}
_TONES: dict[str, tuple[tuple[float, float], ...]] = {
    "hum": ((50, -9), (100, -2), (150, -12), (200, -10), (300, -15)), "vent": ((118, -16),),
}  # fmt: skip


def loudness(sound: Floats | Doubles) -> float:
    """Ungated loudness in LUFS (BS.1770 weighting, worked out on the whole spectrum)."""
    spectrum = np.abs(np.fft.rfft(sound.astype(np.float64))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / SOUND_RATE)
    power = float((spectrum * _weight(hertz)).sum()) * 2 / len(sound) ** 2
    return -0.691 + 10 * math.log10(max(power, 1e-20))


def _weight(hertz: NDArray[Any]) -> Doubles:
    """Power gain of the two BS.1770 filters at ``hertz``."""
    z = np.exp(-2j * np.pi * hertz / SOUND_RATE)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.asarray(np.abs(shelf * high) ** 2, dtype=np.float64)


def soundtrack(spec: ShotSpec) -> Floats:
    """The sound of the whole shot, float32, shape (n,), -1..1, at ``sound.level_lufs``."""
    count = round(spec.frames / spec.rate * SOUND_RATE)
    rng = np.random.default_rng([spec.seed, 31])
    mix = _room_tone(spec.sound, count, rng)
    if spec.sound.footsteps:
        mix = mix + _footsteps(count, rng)
    if spec.sound.voice:
        mix = mix + _voice(count, rng)
    gain = 10 ** ((spec.sound.level_lufs - loudness(mix)) / 20)
    return np.asarray(np.clip(mix * gain, -1, 1), np.float32)


def _room_tone(sound: SoundSpec, count: int, rng: np.random.Generator) -> Doubles:
    """Shaped noise of deviation 1; the place's seed bends the spectrum, the shot's the noise."""
    # Resonances belong to the place, so every shot of it has the same.
    room = np.random.default_rng([sound.seed, sum(sound.kind.encode())])
    size = max(2, count)
    spectrum = np.fft.rfft(rng.normal(0, 1, size))
    hertz = np.fft.rfftfreq(size, 1 / SOUND_RATE)
    points = np.array(_SPECTRA[sound.kind])
    decibel = np.interp(np.log(np.maximum(hertz, 10)), np.log(points[:, 0]), points[:, 1])
    for _ in range(4):
        centre, width = float(room.uniform(80, 2500)), float(room.uniform(0.08, 0.25))
        bell = np.exp(-0.5 * (np.log(np.maximum(hertz, 10) / centre) / width) ** 2)
        decibel = decibel + float(room.uniform(-2, 4)) * bell
    spectrum *= 10 ** (decibel / 20)
    spectrum[hertz < 20] = 0
    tone = np.fft.irfft(spectrum, size)[:count]
    tone /= max(float(tone.std()), 1e-9)
    time_s = np.arange(count) / SOUND_RATE
    for hertz_1, level_db in _TONES.get(sound.kind, ()):
        phase = float(room.uniform(0, 2 * math.pi))
        tone = tone + 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz_1 * time_s + phase)
    return np.asarray(tone, dtype=np.float64)


def _footsteps(count: int, rng: np.random.Generator) -> Doubles:
    """Steps every half second or so: a dull thud and a short scrape."""
    out = np.zeros(count)
    at = int(rng.uniform(0.1, 0.5) * SOUND_RATE)
    length = int(0.16 * SOUND_RATE)
    time_s = np.arange(length) / SOUND_RATE
    while at < count:
        thud = np.sin(2 * np.pi * rng.uniform(70, 110) * time_s) * np.exp(-time_s / 0.03)
        scrape = rng.normal(0, 0.35, length) * np.exp(-time_s / 0.018)
        piece = (thud + scrape) * rng.uniform(2.5, 4.0)
        out[at : at + length] += piece[: count - at]
        at += int(rng.uniform(0.46, 0.60) * SOUND_RATE)
    return out


def _voice(count: int, rng: np.random.Generator) -> Doubles:
    """A mumble: a buzz through three formants, in syllables."""
    time_s = np.arange(count) / SOUND_RATE
    pitch = float(rng.uniform(105, 210)) * (1 + 0.05 * np.sin(2 * np.pi * 1.7 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch) / SOUND_RATE
    out = np.zeros(count)
    formants = ((rng.uniform(400, 800), 120), (rng.uniform(1000, 1900), 220), (2600, 300))
    middle = float(np.mean(pitch)) if count else 150.0
    # Each harmonic is the one before turned once more: one sine for all of them.
    turn = np.exp(1j * phase)
    wave = np.ones(count, np.complex128)
    for harmonic in range(1, 19):
        hertz = harmonic * middle
        gain = sum(math.exp(-0.5 * ((hertz - f) / w) ** 2) for f, w in formants) / harmonic**0.4
        wave *= turn
        out += gain * wave.imag
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * time_s + rng.uniform(0, 6)) + 0.3, 0, 1)
    return np.asarray(2.2 * out * syllables**1.5, dtype=np.float64)
