"""The façade: what every door (command line, script, later HTTP) does, it does through `Studio`.

`Studio.check` measures what is not yet known, in processes of its own, and compares sequence by
sequence. Heavy imports are inside the functions that need them, so that asking for help, or a run
that finds everything measured, does not pay for them.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import filmgate
from filmgate import registry
from filmgate.assets.cache import DigestMemo, MeasurementStore, Stamp, key_of, sha256_of
from filmgate.errors import FilmgateError, MeasurementError
from filmgate.loop import reading
from filmgate.loop.facade import Looping
from filmgate.schema.look import Look
from filmgate.schema.report import SCHEMA_VERSION, CheckReport, SequenceReport
from filmgate.schema.shot import Sequence, Shot
from filmgate.settings import NO_WEIGHTS, Settings

if TYPE_CHECKING:
    from filmgate.measure.extractor import Extractor
    from filmgate.measure.probe import Probe
    from filmgate.schema.signature import Signature

CHECKS = "continuity.checks"
EXTRACTORS = "measure.extractors"
NEEDS_READER = "vision_language"
"""Takes a reader as an argument, and is used where the settings name one."""
IN_TRUST = (NEEDS_READER, "classical", "onnx", "sidecar")
"""Our extractors in rising order of trust: where two saw people, the later one is believed."""

Progress = Callable[[int, int], None]
"""Called with the number done and the number there are."""


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


class Kit(NamedTuple):
    """What shots are measured with; plain values, since it crosses to other processes.

    Attributes:
        names: extractors, in rising order of trust.
        weights: folder of networks for those that need one.
        reader: as `loop.reading.chosen` describes it, "" for none.
        store: where its answers are kept.
    """

    names: tuple[str, ...]
    weights: str | None
    reader: str = ""
    store: str = ""

    def extractors(self) -> tuple[Extractor, ...]:
        """The extractors, made ready (once per process)."""
        return _made(self)

    def key(self, digest: str, shot: Shot | _Task) -> str:
        """Where the measurement of `shot` is kept: all that decides the numbers is in it."""
        from filmgate.schema.signature import VERSION

        made = self.extractors()
        # What an extractor reads beside the media (a sidecar) is measured with it.
        beside = [e.beside(shot.file) for e in made if hasattr(e, "beside")]
        versions = [str(VERSION), *(e.identity for e in made), *beside]
        return key_of(digest, shot.in_frame, shot.out_frame, versions)


class _Task(NamedTuple):
    """One shot for a worker."""

    file: str
    in_frame: int
    out_frame: int | None
    store: str
    kit: Kit


class _Measured(NamedTuple):
    """A worker's answer: the bytes of the signature, or why there are none.

    Attributes:
        known: stamp and digest of the file, when it could be read.
        key: where to keep the payload; None when it is kept already or must not be.
    """

    payload: bytes | None
    reason: str = ""
    known: tuple[Stamp, str] | None = None
    key: str | None = None


@dataclass
class Studio(Looping):
    """One project: its settings and its store.

    Attributes:
        notes: what the reader of the next report must know about how it was made.
    """

    settings: Settings = field(default_factory=Settings.read)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._store = MeasurementStore(self.settings.store)
        self._memo = DigestMemo(self._store)
        self._posters: dict[str, Any] = {}

    def cuts(
        self, file: str, progress: Progress = no_progress, rehash: bool = False
    ) -> list[tuple[int, int]]:
        """Shots of one file as [in, out) frame ranges, found by cut detection; kept like measures.

        Raises:
            MeasurementError: the file cannot be read.
        """
        from filmgate.measure import cuts

        stamp = Stamp.of(file)
        digest = (None if rehash else self._memo.get(file)) or sha256_of(file)
        self._memo.learn(file, stamp, digest)
        key = key_of(digest, 0, None, ["cuts", str(getattr(cuts, "VERSION", 1))])
        with contextlib.suppress(ValueError, TypeError):
            return [(int(a), int(b)) for a, b in json.loads(self._store.get(key) or b"x")]
        found = [(int(a), int(b)) for a, b in cuts.find_cuts(file, progress)]
        self._store.put(key, json.dumps(found).encode())
        self._memo.save()
        return found

    def check(
        self,
        sequences: Iterable[Sequence],
        look: Look | None = None,
        progress: Progress = no_progress,
        rehash: bool = False,
        notes: Iterable[str] = (),
    ) -> CheckReport:
        """Measure every shot and say which drift, on what, by how much, and the smallest fix.

        Args:
            sequences: what to check, shots in edit order.
            look: the declared world.
            progress: called as shots are done.
            rehash: read every file again to know its digest, whatever its size and time say.
            notes: what the report's reader must know about how the shots were found.

        Raises:
            UsageError: something asked for cannot be done.
        """
        from filmgate.continuity import calibration, engine

        sequences, look = list(sequences), look or Look()
        self.notes = list(notes)
        kit = self._kit()
        shots = [shot for sequence in sequences for shot in sequence.shots]
        measured = self._measure(shots, kit, progress, rehash)
        self._remember_posters(shots, measured)
        shipped = calibration.shipped().suited("onnx" in kit.names)
        checks = [registry.load(CHECKS, name, "CHECK") for name in registry.names(CHECKS)]
        reports, at = [], 0
        for sequence in sequences:
            part = measured[at : at + len(sequence.shots)]
            at += len(sequence.shots)
            reports.append(engine.compare(sequence, part, look.bind(sequence), shipped, checks))
        self.notes += _uncompared(look, reports)
        if self._store.note is not None:
            self.notes.append(self._store.note)
        return CheckReport(
            filmgate=filmgate.__version__,
            schema_version=SCHEMA_VERSION,
            calibration=shipped.table(),
            extractors=tuple(extractor.identity for extractor in kit.extractors()),
            sequences=tuple(reports),
            guarantee=shipped.guarantee(),
            notes=tuple(self.notes),
        )

    def _remember_posters(self, shots: list[Shot], measured: list[Signature | str]) -> None:
        """Keep a small picture of each file that is one shot: the strip needs no second decode."""
        uses = Counter(shot.file for shot in shots)
        self._posters = {
            shot.file: signature.poster
            for shot, signature in zip(shots, measured, strict=True)
            if not isinstance(signature, str) and uses[shot.file] == 1
        }

    def write_page(self, report: CheckReport, path: Path) -> None:
        """Write the report page, with the frames its findings are about.

        Raises:
            StoreError: it cannot be written; nothing is left behind.
        """
        from filmgate.measure import stills
        from filmgate.review.report import write_report
        from filmgate.schema.signature import POSTER_HEIGHT_PX

        def frames(file: str, wanted: Many[int], max_height_px: int, /) -> dict[int, Any]:
            """Small pictures come from what was measured, so that a strip costs no decoding."""
            poster = self._posters.get(file)
            if poster is not None and max_height_px <= POSTER_HEIGHT_PX:
                return dict.fromkeys(wanted, stills.opened(poster))
            return stills.frames(file, wanted, max_height_px)

        write_report(report, path, frames)

    def weights_folder(self) -> Path | None:
        """The folder of networks to use: the setting, else what the store records, else None."""
        from filmgate.measure import weights

        if self.settings.weights == NO_WEIGHTS:
            return None
        if self.settings.weights is not None:
            return Path(self.settings.weights)
        return weights.weights_folder(self.settings.store)

    def _kit(self) -> Kit:
        folder = self.weights_folder()
        known = registry.names(EXTRACTORS)
        # With networks the classical detectors only add their mistakes.
        without = "onnx" if folder is None else "classical"
        reader = reading.chosen(self.settings)
        names = [n for n in IN_TRUST if n in known and n != without]
        names = [n for n in names if reader or n != NEEDS_READER]
        names += [n for n in known if n not in IN_TRUST]
        if reader:
            self.notes.append(
                f"Frames of each shot were shown to {json.loads(reader)['name']}, whose answers "
                "are opinions."
            )
        if folder is None:
            self.notes.append(
                "People were looked for without networks; 'filmgate weights get' brings them."
            )
        else:
            self.notes.append("People were looked for with the networks named under extractors.")
        return Kit(tuple(names), str(folder) if folder else None, reader, str(self._store.root))

    def _measure(
        self, shots: list[Shot], kit: Kit, progress: Progress, rehash: bool
    ) -> list[Signature | str]:
        """A signature per shot, or the reason why there is none."""
        store = str(self._store.root)
        answers: dict[int, Signature | str] = {}
        tasks: dict[_Task, list[int]] = {}
        for index, shot in enumerate(shots):
            if shot.problem is not None:
                answers[index] = shot.problem
                continue
            known = None if rehash else self._known(shot, kit)
            if known is not None:
                answers[index] = known
                continue
            task = _Task(shot.file, shot.in_frame, shot.out_frame, store, kit)
            tasks.setdefault(task, []).append(index)
        progress(len(answers), len(shots))
        try:
            for task, answer in self._run(list(tasks)):
                signature = self._learn(task, answer)
                for index in tasks[task]:
                    answers[index] = signature
                progress(len(answers), len(shots))
        finally:
            self._memo.save()
        return [answers[index] for index in range(len(shots))]

    def _known(self, shot: Shot, kit: Kit) -> Signature | None:
        digest = self._memo.get(shot.file)
        return None if digest is None else _unpacked(self._store.get(kit.key(digest, shot)))

    def _run(self, tasks: list[_Task]) -> Iterator[tuple[_Task, _Measured]]:
        from filmgate.measure.crew import Crew, Died

        crew: Crew[_Task, _Measured] = Crew(work, self.settings.worker_count())
        with contextlib.closing(crew.run(tasks)) as answers:
            for task, answer in answers:
                if isinstance(answer, Died):
                    yield task, _Measured(None, f"{answer.reason}.")
                else:
                    yield task, answer

    def _learn(self, task: _Task, answer: _Measured) -> Signature | str:
        """Keep a worker's answer for the next run, and unpack it for this one."""
        if answer.known is not None:
            self._memo.learn(task.file, *answer.known)
        if answer.key is not None and answer.payload is not None:
            self._store.put(answer.key, answer.payload)
        return _unpacked(answer.payload) or answer.reason


def _unpacked(payload: bytes | None) -> Signature | None:
    from filmgate.schema.signature import Signature

    if payload is None:
        return None
    # An entry that passes its checksum but cannot be read was written by other code: measure anew.
    with contextlib.suppress(ValueError):
        return Signature.from_bytes(payload)
    return None


@lru_cache(maxsize=4)
def _made(kit: Kit) -> tuple[Extractor, ...]:
    made = []
    for name in kit.names:
        kind = registry.load(EXTRACTORS, name, "EXTRACTOR")
        if not isinstance(kind, type):
            made.append(kind)
        elif name == "onnx":
            made.append(kind(Path(kit.weights or "")))
        elif name == NEEDS_READER:
            made.append(kind(_reader(kit.reader, kit.store)))
        else:
            made.append(kind())
    return tuple(made)


@lru_cache(maxsize=4)
def _reader(choice: str, store: str) -> reading.Kept:
    return reading.made(choice, MeasurementStore(Path(store)))


def _unanswered(kit: Kit) -> int:
    """Questions so far, in this process, that got no answer."""
    return _reader(kit.reader, kit.store).failed if kit.reader else 0


def work(task: _Task) -> _Measured:
    """Measure one shot, or find that its content was measured under another name. In a worker."""
    try:
        stamp = Stamp.of(task.file)
        digest = _digest(task.file, stamp)
    except OSError as error:
        return _Measured(None, f"The file cannot be read ({error.strerror}).")
    key, known = task.kit.key(digest, task), (stamp, digest)
    payload = MeasurementStore(Path(task.store)).get(key)
    if _unpacked(payload) is not None:
        return _Measured(payload, known=known)
    unanswered = _unanswered(task.kit)
    try:
        payload = _measured(task, stamp)
        changed = Stamp.of(task.file) != stamp
    except MeasurementError as error:
        return _Measured(None, str(error), known)
    except FilmgateError:
        raise
    except Exception as error:
        # One broken file must not end the run, whatever a decoder makes of it.
        return _Measured(None, f"Measuring it failed ({type(error).__name__}: {error}).", known)
    if changed:
        return _Measured(payload)
    # What a reader did not answer is to be asked again, so it is no measurement to keep.
    return _Measured(payload, "", known, key if _unanswered(task.kit) == unanswered else None)


@lru_cache(maxsize=8)
def _digest(file: str, stamp: Stamp) -> str:
    """The digest of `file`; remembered for the next shot out of the same file."""
    return sha256_of(file)


@lru_cache(maxsize=2)
def _probe(file: str, stamp: Stamp) -> Probe:
    from filmgate.measure import probe

    return probe.probe(file)


def _measured(task: _Task, stamp: Stamp) -> bytes:
    from filmgate.measure import decode, signature

    # Only a file that holds several shots is worth a look of its own.
    part = task.in_frame > 0 or task.out_frame is not None
    known = _probe(task.file, stamp) if part else None
    sample = decode.sample(task.file, task.in_frame, task.out_frame, known=known)
    return signature.measure(sample, task.file, task.kit.extractors()).to_bytes()


def _uncompared(look: Look, reports: Iterable[SequenceReport]) -> list[str]:
    """Notes on what was declared and nothing was compared with: a typo must not read as a pass."""
    from filmgate.schema.look import matches

    seen = {
        finding.attribute
        for report in reports
        for shot in report.shots
        for finding in shot.findings
        if finding.against == "look" and finding.status != "not_measured"
    }
    return [
        f"Declared but compared with nothing: '{expectation.path}'."
        for expectation in look.expectations
        if not any(matches(expectation.path, attribute) for attribute in seen)
    ]
