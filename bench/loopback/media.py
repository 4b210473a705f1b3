"""Small real media that the fakes hand out, made when first asked for."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache

import av
import numpy as np


@cache
def movie(
    duration_s: float = 1.0, size: tuple[int, int] = (160, 90), rate: int = 24, seed: int = 0
) -> bytes:
    """An MP4 (H.264 and AAC) of a slowly moving texture with a tone."""
    width, height = size
    noise = np.random.default_rng(seed).normal(0, 1, (height, width + 64, 3))
    for axis in (0, 1):
        noise = np.mean([np.roll(noise, n, axis) for n in range(-3, 4)], axis=0)
    texture = np.clip(120 + 60 * noise, 0, 255).astype(np.uint8)
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = out.add_stream("aac", rate=48000, layout="mono")
        frames = max(1, round(duration_s * rate))
        for n in range(frames):
            at = n % 64
            image = np.ascontiguousarray(texture[:, at : at + width])
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = n, Fraction(1, rate)
            out.mux(video.encode(picture))
        out.mux(video.encode())
        tone = 0.05 * np.sin(np.arange(48000 * frames // rate) * (2 * np.pi * 220 / 48000))
        block = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], "fltp", "mono")
        block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(audio.encode(block))
        out.mux(audio.encode())
    return memory.getvalue()


@cache
def still(size: tuple[int, int] = (160, 90), seed: int = 0) -> bytes:
    """A PNG of a texture."""
    import cv2

    width, height = size
    noise = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    done, data = cv2.imencode(".png", cv2.resize(noise, (width, height)))
    assert done
    return data.tobytes()
