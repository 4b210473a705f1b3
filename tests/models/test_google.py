"""Google's adapter over HTTP, against the fake that speaks the recorded wire format."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from bench.loopback import media, server
from bench.loopback.google import KEY, LOCATION, PROJECT, TOKEN
from filmgate.errors import (
    BadSetting,
    CannotExpress,
    MissingExtra,
    TakeLost,
    Unavailable,
    WrongKey,
)
from filmgate.models.generator import JobState, Picture, Surroundings
from filmgate.models.generators import google

sys.path.insert(0, str(Path(__file__).parent))  # the stage beside this file
from google_stage import ROUTES, SERVICES, WORDS, Counted, Stage, opened, request

pytest.importorskip("google.genai")

Told = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with opened(tmp_path_factory.mktemp("google")) as made:
        yield made


@pytest.fixture
def on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, keeps_secret: Callable[[str], None]
) -> Iterator[Stage]:
    for secret in (KEY, TOKEN):
        keeps_secret(secret)
    stage.environment(monkeypatch)
    yield stage
    stage.calm()


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    path = tmp_path / "maya.png"
    path.write_bytes(media.still())
    return Picture(path, "sha256:1", tag="maya")


# ------------------------------------------------------------------ what is made


def test_veo_makes_a_take(on: Stage, tmp_path: Path) -> None:
    counted = Counted(on.fake, "veo")
    on.fake.jobs.plan(after=2)
    asked = request("veo", seed=7, negative="hats")
    job = on.maker.submit(asked)
    assert on.fake.calls("veo")[-1].path == (
        f"/v1beta1/projects/{PROJECT}/locations/{LOCATION}"
        "/publishers/google/models/veo-3.1-generate-001:predictLongRunning"
    )
    assert on.fake.calls("veo")[-1].headers["authorization"] == f"Bearer {TOKEN}"
    assert on.sent("veo") == {
        "instances": [{"prompt": "A long office."}],
        "parameters": {
            "sampleCount": 1, "durationSeconds": 8, "seed": 7, "aspectRatio": "16:9",
            "resolution": "720p", "negativePrompt": "hats", "generateAudio": True,
        },
        "labels": {"filmgate": asked.hash("google")[:32]},
    }  # fmt: skip
    states = [on.maker.poll(job).state for _ in range(3)]
    assert states == [JobState.RUNNING, JobState.RUNNING, JobState.DONE]
    result = on.maker.fetch(job, tmp_path / "take.mp4")
    assert (result.path, result.model, result.mime) == (
        tmp_path / "take.mp4", "veo-3.1-generate-001", "video/mp4",
    )  # fmt: skip
    with av.open(str(result.path)) as film:
        assert film.streams.video[0].frames == 24
        assert film.streams.audio, "native sound is kept"
    assert [p.name for p in tmp_path.iterdir()] == ["take.mp4"]
    assert (counted.asked, counted.paid) == (1, 1)


def test_veo_frames_and_references(on: Stage, picture: Picture) -> None:
    frames = (replace(picture, role="first_frame"), replace(picture, role="last_frame"))
    parameters = {"personGeneration": "allow_adult", "resizeMode": "CROP", "labels": {"a": "b"}}
    on.maker.submit(request("veo", duration_s=6, sound=False, pictures=frames, size=(720, 1280),
                            parameters=parameters))  # fmt: skip
    body = on.sent("veo")
    (instance,) = body["instances"]
    sent = {"bytesBase64Encoded": base64.b64encode(media.still()).decode(), "mimeType": "image/png"}
    assert instance["image"] == instance["lastFrame"] == sent
    parameters = body["parameters"]
    assert (parameters["generateAudio"], parameters["aspectRatio"]) == (False, "9:16")
    assert (parameters["personGeneration"], parameters["resizeMode"]) == ("allow_adult", "CROP")
    assert body["labels"]["a"] == "b"
    on.maker.submit(request("veo", pictures=(picture, replace(picture, tag=""))))
    references = on.sent("veo")["instances"][0]["referenceImages"]
    assert references == [{"image": sent, "referenceType": "ASSET"}] * 2


def test_omni_makes_a_take(on: Stage, tmp_path: Path) -> None:
    counted = Counted(on.fake, "omni")
    on.fake.jobs.plan(after=1)
    job = on.maker.submit(request("omni", seed=7, negative="hats"))
    assert on.fake.calls("omni")[-1].headers["x-goog-api-key"] == KEY
    assert on.sent("omni") == {
        "model": "gemini-omni-1.2-flash", "background": True, "store": True,
        "input": [{"type": "user_input", "content": [
            {"type": "text", "text": "A long office. Not in the picture: hats."},
        ]}],
        "response_format": {"type": "video", "delivery": "uri", "duration": "8s",
                            "aspect_ratio": "16:9", "resolution": "720p"},
        "generation_config": {"seed": 7, "video_config": {"task": "text_to_video"}},
    }  # fmt: skip
    assert [on.maker.poll(job).state for _ in range(2)] == [JobState.RUNNING, JobState.DONE]
    on.fake.answered_by = "gemini-omni-1.3-flash"
    result = on.maker.fetch(job, tmp_path / "take.mp4")
    assert result.model == "gemini-omni-1.3-flash", "the model that answered is recorded"
    assert result.path.read_bytes() == media.movie()
    assert [p.name for p in tmp_path.iterdir()] == ["take.mp4"]
    assert (counted.asked, counted.paid) == (1, 1)


def test_omni_says_what_pictures_are(on: Stage, picture: Picture) -> None:
    style = replace(picture, role="style", tag="")
    on.maker.submit(request("omni", pictures=(picture, style)))
    body = on.sent("omni")
    content = body["input"][0]["content"]
    assert [c["type"] for c in content] == ["text", "image", "text", "image", "text"]
    assert content[0]["text"] == "@maya must look like this."
    assert "look only" in content[2]["text"]
    assert base64.b64decode(content[1]["data"]) == media.still()
    assert body["generation_config"]["video_config"]["task"] == "reference_to_video"
    first = replace(picture, role="first_frame")
    on.maker.submit(request("omni", pictures=(first,)))
    assert on.sent("omni")["generation_config"]["video_config"]["task"] == "image_to_video"
    on.maker.submit(request("omni", pictures=(first, picture)))
    assert "generation_config" not in on.sent("omni"), "the model decides about a mixture"
    on.maker.submit(request("omni", parameters={"previous_interaction_id": "omni:abc"}))
    body = on.sent("omni")
    assert body["previous_interaction_id"] == "abc"
    assert body["generation_config"]["video_config"]["task"] == "edit"


def test_omni_may_send_the_take_itself(on: Stage, tmp_path: Path) -> None:
    job = on.maker.submit(request("omni"))
    on.fake.jobs.get(job[5:]).made["response_format"]["delivery"] = "inline"  # type: ignore[union-attr]
    assert on.maker.fetch(job, tmp_path / "take.mp4").mime == "video/mp4"


def test_a_still_is_made_at_once_and_kept(on: Stage, picture: Picture, tmp_path: Path) -> None:
    counted = Counted(on.fake, "content")
    on.fake.answered_by = "gemini-3.1-flash-image-002"
    asked = request("still", pictures=(picture,), negative="hats")
    job = on.maker.submit(asked)
    body = on.sent("content")
    assert body["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
    }
    said, shown, prompt = body["contents"][0]["parts"]
    assert said == {"text": "@maya must look like this."}
    assert base64.urlsafe_b64decode(shown["inlineData"]["data"]) == media.still()
    assert prompt == {"text": "A long office. Not in the picture: hats."}
    other = on.fresh()
    assert other.poll(job).state is JobState.DONE, "another process has the same folder"
    result = other.fetch(job, tmp_path / "still.png")
    assert (result.model, result.mime) == ("gemini-3.1-flash-image-002", "image/png")
    assert result.path.read_bytes() == media.still()
    other.cancel(job)
    assert other.poll(job).state is JobState.DONE
    assert (counted.asked, counted.paid) == (1, 1)


def test_a_still_is_never_paid_for_twice(on: Stage) -> None:
    counted = Counted(on.fake, "content")
    asked = request("still")
    job = on.maker.submit(asked)
    assert on.fresh().submit(asked) == job
    assert counted.paid == 1
    assert on.maker.submit(replace(asked, nonce="another take")) != job
    assert counted.paid == 2


@pytest.mark.parametrize("service", SERVICES)
def test_what_was_answered_is_found_again(on: Stage, service: str) -> None:
    asked, other = request(service), request(service)
    job = on.maker.submit(asked)
    if service == "still":
        (on.folder / "jobs.jsonl").unlink()
    counted = Counted(on.fake, ROUTES[service])
    assert on.fresh().find(asked, "2026-11-22T10:00:00Z") == job
    with pytest.raises(CannotExpress, match="cannot be asked"):
        on.fresh().find(other, "2026-11-22T10:00:00Z")
    assert counted.asked == 0


def test_eight_at_a_time(on: Stage, tmp_path: Path) -> None:
    maker = on.fresh()
    before = on.fake.jobs.paid

    def take(number: int) -> int:
        job = maker.submit(request(SERVICES[number % 3]))
        return maker.fetch(job, tmp_path / f"take-{number}").path.stat().st_size

    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(take, range(24)))
    assert min(sizes) > 1000
    assert on.fake.jobs.paid == before + 24


def test_stills_by_the_enterprise_platform(on: Stage) -> None:
    maker = on.fresh(platform="enterprise", location="global")
    maker.submit(request("still"))
    path = on.fake.calls("content")[-1].path
    assert path.startswith(f"/v1beta1/projects/{PROJECT}/locations/global/publishers/google/models")


def test_veo_with_an_express_key(
    on: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name)
    for name, value in on.fake.environment(tmp_path, express=True).items():
        monkeypatch.setenv(name, value)
    maker = on.fresh()
    job = maker.submit(request("veo"))
    call = on.fake.calls("veo")[-1]
    assert call.path.startswith("/v1beta1/publishers/google/models/veo")
    assert call.headers["x-goog-api-key"] == KEY
    assert maker.fetch(job, tmp_path / "take.mp4").model == "veo-3.1-generate-001"
    with pytest.raises(CannotExpress, match="needs a project"):
        on.fresh(storage_uri="gs://bucket/takes").submit(request("veo"))


def test_veo_writes_to_a_bucket(on: Stage, tmp_path: Path) -> None:
    maker = on.fresh(storage_uri="gs://film/takes", storage_base_url=on.fake.url)
    job = maker.submit(request("veo"))
    assert on.sent("veo")["parameters"]["storageUri"] == "gs://film/takes"
    assert maker.fetch(job, tmp_path / "take.mp4").path.read_bytes() == media.movie()
    call = on.fake.calls("bucket")[-1]
    assert call.path.startswith("/download/storage/v1/b/film/o/takes%2F")
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    on.fake.script("bucket", server.expired(404))
    with pytest.raises(TakeLost, match="link expired"):
        maker.fetch(job, tmp_path / "take.mp4")


# ------------------------------------------------------------------ what is refused before sending

UNMADE = [
    ("veo", {"duration_s": 4.0, "pictures": ("asset",)}, "only for takes of 8 s"),
    ("veo", {"pictures": ("asset", "first_frame")}, "not both"),
    ("veo", {"pictures": ("last_frame",)}, "only together with a first frame"),
    ("veo", {"pictures": ("style",)}, "as asset"),
    ("veo", {"pictures": ("asset",) * 4}, "at most 3 reference pictures"),
    ("veo", {"duration_s": 6.0, "size": (1920, 1080)}, "larger than 1280x720 only in takes of 8 s"),
    ("veo", {"duration_s": 4.0, "size": (3840, 2160)}, "larger than 1280x720 only in takes of 8 s"),
    ("veo", {"duration_s": 5.0}, "4, 6 or 8 s|4, 6, 8|takes of 4"),
    ("veo", {"size": (640, 360)}, "640x360"),
    ("veo", {"rate": "30"}, "24 frames per second"),
    ("veo", {"seed": 2**32}, "seeds"),
    ("veo", {"parameters": {"crf": 12}}, "no parameter 'crf'"),
    ("veo", {"parameters": {"enhancePrompt": "perhaps"}}, "enhancePrompt"),
    ("veo", {"parameters": {"labels": "film"}}, "labels"),
    ("omni", {"duration_s": 20.0}, "3 to 15 s"),
    ("omni", {"duration_s": 7.5}, "whole seconds"),
    ("omni", {"pictures": ("asset",) * 7}, "at most 6"),
    ("still", {"size": (1000, 300)}, "1000x300"),
    ("still", {"size": (8192, 4608)}, "at most 4096"),
    ("still", {"pictures": ("first_frame",)}, "no first frame"),
    ("still", {"prompt": ""}, "needs a prompt"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "changes", "match"), UNMADE)
def test_a_model_s_limits_are_told_before_sending(
    on: Stage, picture: Picture, service: str, changes: dict[str, Any], match: str
) -> None:
    counted = Counted(on.fake, ROUTES[service])
    roles = changes.get("pictures", ())
    pictures = tuple(replace(picture, role=role) for role in roles)
    with pytest.raises(CannotExpress, match=match):
        on.maker.submit(request(service, **{**changes, "pictures": pictures}))
    assert counted.asked == 0


def test_a_picture_that_cannot_be_sent(on: Stage, picture: Picture, tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("Maya wears navy.")
    large = tmp_path / "large.png"
    large.write_bytes(media.still() + bytes(8_000_000))
    for path, match in ((tmp_path / "none.png", "cannot be read"), (text, "no PNG"),
                        (large, "can be sent")):  # fmt: skip
        for service in SERVICES:
            counted = Counted(on.fake, ROUTES[service])
            with pytest.raises(CannotExpress, match=match):
                on.maker.check(request(service, pictures=(replace(picture, path=path),)))
            assert counted.asked == 0


def test_retired_models_name_what_follows(on: Stage) -> None:
    for model, match in (
        ("veo-3.0-generate-001", r"2026-06-30.*'veo-3.1-generate-001'"),
        ("veo-2.0-generate-001", r"2026-06-30.*'veo-3.1-generate-001'"),
        ("veo-3.1-generate-preview", r"2026-10-22.*'gemini-omni-1.[12]-flash'"),
        ("gemini-omni-flash-preview", r"2026-09-30.*'gemini-omni-1.[12]-flash'"),
        ("imagen-4.0-generate-001", r"2026-08-17.*'gemini-3.1-flash-image'"),
    ):
        for method in (on.maker.check, on.maker.submit, on.maker.price_usd):
            with pytest.raises(CannotExpress, match=match):
                method(replace(WORDS["veo"], model=model))
    with pytest.raises(CannotExpress, match="'runway'"):
        on.maker.check(replace(WORDS["veo"], model="gen4.5"))
    with pytest.raises(CannotExpress, match="Did you mean"):
        on.maker.check(replace(WORDS["veo"], model="veo-3.1-generate"))


def test_the_catalog_tells_models_and_prices(on: Stage) -> None:
    offered = {c.model: c for c in on.maker.capabilities()}
    assert {r.model for r in WORDS.values()} <= set(offered)
    assert "veo-3.0-generate-001" not in offered
    assert offered["veo-3.1-generate-001"].references == 3
    assert offered["veo-3.1-generate-001"].sound
    assert on.maker.price_usd(WORDS["veo"]) > on.maker.price_usd(replace(WORDS["veo"], sound=False))
    assert 0 < on.maker.price_usd(WORDS["still"]) < 1
    own = on.fresh(prices={"gemini-omni-1.2-flash": 0.25})
    assert own.price_usd(WORDS["omni"]) == pytest.approx(2.0)


# ------------------------------------------------------------------ processes, keys, packages

CHILD = """
import sys, pathlib
from filmgate.models.generator import Surroundings
from filmgate.models.generators.google import Google
maker = Google(Surroundings(pathlib.Path(sys.argv[1]), timeout_s=10.0))
for n, job in enumerate(sys.argv[2:]):
    path = pathlib.Path(sys.argv[1], f"resumed-{n}")
    print(maker.poll(job).state, maker.fetch(job, path).model, path.stat().st_size)
"""


def test_another_process_takes_over(on: Stage) -> None:
    jobs = [on.maker.submit(request(service)) for service in SERVICES]
    counted = Counted(on.fake, "veo")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, str(on.folder), *jobs],
        capture_output=True, text=True, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["done", WORDS[s].model] for s in SERVICES]
    assert all(int(line[2]) > 100 for line in lines)
    assert counted.paid == 0


def test_a_key_is_needed_only_when_used(
    on: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name)
    maker = google.Google(Surroundings(tmp_path / "own"))
    assert maker.capabilities()
    for service, match in (("veo", "GOOGLE_CLOUD_PROJECT"), ("omni", "GEMINI_API_KEY"),
                           ("still", "GEMINI_API_KEY")):  # fmt: skip
        maker.check(request(service))
        assert maker.price_usd(replace(WORDS[service], model=WORDS["veo"].model)) > 0
        with told(WrongKey, match):
            maker.submit(request(service))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    with told(WrongKey, "application default credentials"):
        maker.submit(request("veo"))


def test_keys_stay_in_the_environment(
    on: Stage, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    with told(BadSetting, "come from the environment", KEY):
        on.fresh(api_key=KEY)
    monkeypatch.setenv("GEMINI_API_KEY", f"{KEY}\nX-Evil: 1")
    with told(WrongKey, "cannot be a key", KEY):
        on.fresh().submit(request("omni"))
    monkeypatch.setenv("GEMINI_API_KEY", f"{KEY}-wrong")
    with told(WrongKey, "GEMINI_API_KEY", KEY):
        on.fresh().submit(request("still"))
    for thing in (on.maker, *vars(on.maker).values()):
        assert KEY not in repr(thing)
    with told(BadSetting, "platform"):
        on.fresh(platform="vertex")
    with pytest.raises(CannotExpress, match="gs://"):
        on.fresh(storage_uri="bucket").submit(request("veo"))
    with pytest.raises(BadSetting, match="base_url"):
        on.fresh(base_url="google").submit(request("omni"))


def test_the_login_fails_before_anything_is_sent(on: Stage, told: Told) -> None:
    counted = Counted(on.fake, "veo")
    for fault, error, match in (
        (server.refused(400), WrongKey, "application default credentials"),
        (server.refused(401), WrongKey, "application default credentials"),
    ):
        on.fake.script("token", fault)
        with told(error, match, KEY, TOKEN):
            on.fresh().submit(request("veo"))
    on.fake.script("token", server.dropped(), forever=True)
    with told(Unavailable, "nothing was sent", KEY, TOKEN):
        on.fresh().submit(request("veo"))
    assert counted.asked == 0


def test_the_package_is_an_extra(on: Stage, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    import google as namespace

    monkeypatch.delattr(namespace, "genai", raising=False)
    monkeypatch.setitem(sys.modules, "google.genai", None)
    for service in SERVICES:
        with told(MissingExtra, "extra 'google'"):
            on.fresh().submit(request(service))


def test_the_package_is_imported_when_used() -> None:
    code = (
        "import sys, pathlib\n"
        "from filmgate.models.generator import Surroundings\n"
        "from filmgate.models.generators.google import GENERATOR\n"
        "from filmgate.models.readers.google import READER\n"
        "GENERATOR(Surroundings(pathlib.Path('.'))).capabilities(); READER()\n"
        "print([m for m in sys.modules if m.startswith(('google.', 'httpx'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
