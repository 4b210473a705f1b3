"""Loudness against scipy and pyloudnorm, which the measuring processes do without."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from filmgate.measure import loudness
from filmgate.measure.sample import F32

RATE = 48_000


def noise(seconds: float, channels: int, level: float = 0.05) -> F32:
    rng = np.random.default_rng(int(10 * seconds) + channels)
    made = level * rng.normal(size=(int(seconds * RATE), channels))
    return made.astype(np.float32)


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_the_weighting_is_that_of_pyloudnorm(rate_hz: int) -> None:
    wave = noise(1.0, 1)[:, 0].astype(np.float64)
    expected = wave
    for stage in pyloudnorm.Meter(rate_hz)._filters.values():
        expected = signal.lfilter(stage.b, stage.a, expected)
    np.testing.assert_allclose(loudness.k_weighted(wave, rate_hz), expected, rtol=0, atol=1e-14)


def test_long_sound_is_filtered_as_if_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = noise(2.0, 1)[:, 0].astype(np.float64)
    whole = loudness.k_weighted(wave, RATE)
    monkeypatch.setattr(loudness, "_CHUNK", 10_007)
    np.testing.assert_array_equal(loudness.k_weighted(wave, RATE), whole)


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("seconds", [0.4, 0.95, 3.3])
def test_gated_as_pyloudnorm_gates(channels: int, seconds: float) -> None:
    wave = noise(seconds, channels).astype(np.float64)
    wave[: len(wave) // 3] *= 0.001
    meter = pyloudnorm.Meter(RATE)
    expected = meter.integrated_loudness(wave)
    found = loudness.loudness(wave, RATE)
    assert found.integrated_lufs == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(found.blocks_lufs, meter.blockwise_loudness, atol=1e-9)


def test_what_no_gate_lets_through_has_no_loudness() -> None:
    quiet = noise(1.0, 2, level=1e-6).astype(np.float64)
    assert not np.isfinite(loudness.loudness(quiet, RATE).integrated_lufs)
    assert np.isneginf(loudness.loudness(0 * quiet, RATE).blocks_lufs).all()


@pytest.mark.parametrize("length", [20, 300, 48_000])
def test_the_true_peak_is_that_of_scipy(length: int) -> None:
    wave = noise(1.0, 1)[:length].astype(np.float64)
    at = int(np.abs(wave[:, 0]).argmax())
    near = wave[max(0, at - 256) : at + 256, 0]
    expected = 20 * np.log10(np.abs(signal.resample_poly(near, 4, 1)).max())
    assert loudness.true_peak_dbtp(wave) == pytest.approx(expected, abs=1e-9)


def test_measuring_imports_neither_scipy_nor_pydantic() -> None:
    """They take three seconds and a third of one, in every measuring process."""
    program = """
import sys
import numpy as np
from filmgate import studio
from filmgate.measure import decode, signature, sound
from filmgate.measure.sample import Sound
studio.Kit(("classical", "sidecar"), None).extractors()
sound.measure(Sound(np.ones((48000, 2), np.float32) * 0.1))
print(sorted({"scipy", "pyloudnorm", "pydantic"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
