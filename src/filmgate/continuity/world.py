"""The sequence as the checks see it: stacked signatures, groups, scenes, people, references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, wraps
from typing import Any, TypeVar, TypeVarTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus, edges, grouping, layouts, nearby, picture, setups
from filmgate.continuity.identities import identify
from filmgate.measure.colour import linear_to_lab
from filmgate.schema import shot as shots_of
from filmgate.schema.look import Look, matches
from filmgate.schema.signature import LOG_FLOOR, PersonSignature, Signature

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Given = TypeVarTuple("Given")
Answer = TypeVar("Answer")

FEW = 120
"""Shots up to which a sequence is compared thoroughly."""
Relights = tuple[picture.Relight, picture.Relight, picture.Relight]
_DB = 8.7
"""Decibels per unit of natural logarithm."""
_THIRDS = (slice(0, 8), slice(8, 16), slice(16, 25))
_FLOORS: F64 = np.array([0.06, 0.03, 0.03, 0.08, 0.12, 0.15, 0.15, 0.15, 0.7])
"""Smallest difference of level, R/G, B/G, slope of light, loudness and three bands of room tone
that counts when scenes are told apart (natural logarithms): about what two takes differ by. Last:
whether there is sound at all, which says on which side of an edge a shot lies and stays just below
what makes an edge by itself (1 / .7 of `edges.VOTE` 1.5)."""
_SHORT_SOUND_S = 3.0
"""Below this, integrated loudness is unstable and the median momentary loudness stands in."""


def lab_of_log(log_linear: NDArray[np.floating]) -> F64:
    """Lab (D65) of log-linear RGB (..., 3); light above display white is kept up to 1.5."""
    light = np.clip(np.exp(np.asarray(log_linear, dtype=np.float64)) - LOG_FLOOR, 0.0, 1.5)
    return np.asarray(linear_to_lab(light), dtype=np.float64)


def once(ask: Callable[[World, *Given], Answer]) -> Callable[[World, *Given], Answer]:
    """`ask`, worked out once per world and arguments, and kept for as long as the world is."""

    @wraps(ask)
    def kept(world: World, *given: *Given) -> Answer:
        answers: dict[tuple[object, ...], Answer] = world.answers.setdefault(ask, {})
        if given not in answers:
            answers[given] = ask(world, *given)
        return answers[given]

    return kept


class World:
    """One sequence, ready to be compared. N shots in edit order; positions index them.

    Attributes:
        sequence, look: as declared; the look is bound to the sequence.
        signatures: (N,) measured, or None; `reasons` says why not.
        measured: (N,) bool.
        setup, group, scene, chapter: (N,) labels, -1 where not measured. A group is one set-up in
            one light: its members may be compared pixel by pixel. A chapter is an unbroken stretch
            of a scene: its members share their sound.
        short: whether the sequence is so short that its first shot is the reference.
        setups: layout evidence behind them (see `setups.Setups`).
        people: per shot, (label, signature) of each person who could be told.
        answers: what was asked `once`.
    """

    def __init__(
        self,
        sequence: shots_of.Sequence,
        signatures: Sequence[Signature | str],
        look: Look,
    ) -> None:
        self.sequence = sequence
        self.look = look.bind(sequence)
        self.ids = tuple(s.id for s in sequence.shots)
        self.answers: dict[object, dict[tuple[object, ...], Any]] = {}
        self.count = len(self.ids)
        self.signatures = tuple(s if isinstance(s, Signature) else None for s in signatures)
        self.reasons = tuple(s if isinstance(s, str) else None for s in signatures)
        self.measured = np.array([s is not None for s in self.signatures], dtype=bool)
        self.layout = self._layouts()
        aspect = np.array([s.size_px[0] / s.size_px[1] if s else 1.0 for s in self.signatures])
        found = setups.find_setups(self.layout[:, 0], self.measured)
        self.setups = setups.adopt(found, self.layout[:, 0], aspect)
        self.setup = self.setups.label
        self._flop()
        light = self.light[:, 0, :3].astype(np.float64)
        found_edges = self._edges(light)
        self.group = grouping.stretches(self.setup, light, found_edges.cuts)
        self.short = self.count <= setups.SHORT_SEQUENCE
        if self.short:
            # Too few to outvote one another: the scene's first shot is the reference.
            self.group = np.where(self.measured, np.arange(self.count), -1)
        self.scene = self._scenes(light, found_edges)
        if not self.short:
            self.group = grouping.by_chapter(self.group, self.chapter, light)
            self.group = grouping.gathered(self.group, self.chapter, self.layout_vectors)
        labels = identify(self.signatures, self.setup, self.look, self.ids)
        self.people: tuple[tuple[tuple[str, PersonSignature], ...], ...] = tuple(
            tuple((who, p) for who, p in zip(row, s.people, strict=True) if who) if s else ()
            for row, s in zip(labels, self.signatures, strict=True)
        )

    def _stack(self, name: str, shape: tuple[int, ...], dtype: type) -> NDArray[np.generic]:
        blank: NDArray[np.generic] = np.zeros(shape, dtype)
        return np.stack([blank if s is None else getattr(s, name) for s in self.signatures])

    def _layouts(self) -> F32:
        """(N, 3, 24, 32) at half the size they are measured at: all that is compared."""
        whole = np.asarray(self._stack("layout", (3, 48, 64), np.uint8), np.uint8)
        return layouts.halved(whole.reshape(-1, 48, 64)).reshape(-1, 3, *layouts.SHAPE)

    def _flop(self) -> None:
        """Turn flopped shots back before anything else is compared, or each would be blamed for
        everything that has a left and a right.
        """
        turned = np.flatnonzero(self.setups.flopped)
        self.thumb = np.asarray(self._stack("thumb", (3, 24, 32, 3), np.float32), np.float32)
        self.thumb[turned] = self.thumb[turned][:, :, :, ::-1]
        self.layout[turned] = self.layout[turned][:, :, :, ::-1]

    def _edges(self, light: F64) -> edges.Edges:
        loudness, tone, _ = self.heard
        voices = [tone[:, part].mean(axis=1, keepdims=True) for part in _THIRDS]
        slope = self.light[:, 0, 6:7].astype(np.float64)
        heard = np.where(self.measured, np.isfinite(loudness[:, 0]), np.nan)[:, None]
        values = np.concatenate(
            [light, slope, loudness / _DB, *(v / _DB for v in voices), heard], axis=1
        )
        return edges.scene_edges(self.setup, values, _FLOORS)

    def _scenes(self, light: F64, found_edges: edges.Edges) -> I64:
        palettes = np.asarray(self.palette[:, 1]).reshape(self.count, -1)
        found, self.chapter = grouping.scenes(self.group, palettes, light, found_edges)
        declared = [self.look.scene_of(i) for i in self.ids]
        names = {name: 10_000 + k for k, name in enumerate(dict.fromkeys(d for d in declared if d))}
        for i, name in enumerate(declared):
            if name and self.measured[i]:
                found[i] = names[name]
        self._declared = {value: key for key, value in names.items()}
        if names:
            # A group may not reach over a declared scene's border.
            _, self.group = np.unique(np.stack([self.group, found]), axis=1, return_inverse=True)
            self.group = np.where(self.measured, self.group, -1)
            self.chapter = found
        return found

    @cached_property
    def networks(self) -> bool:
        """Whether networks looked at the shots."""
        return any(s is not None and s.view is not None for s in self.signatures)

    @cached_property
    def heard(self) -> tuple[F64, F64, dict[int, str]]:
        """Loudness (N, 1) in LUFS, room tone (N, 25) in dB, and why a shot was not heard."""
        loudness, tone = np.full((self.count, 1), np.nan), np.full((self.count, 25), np.nan)
        reasons: dict[int, str] = {}
        for i, signature in enumerate(self.signatures):
            if signature is None:
                continue
            sound = signature.sound
            if sound is None:
                reasons[i] = signature.sound_note or "no sound"
                continue
            level = sound.integrated_lufs
            if sound.duration_s < _SHORT_SOUND_S or level is None:
                level = sound.momentary_lufs if sound.momentary_lufs is not None else level
            if level is not None:
                loudness[i, 0] = level
            if sound.room_tone_db is not None:
                tone[i] = sound.room_tone_db
            if level is None or sound.room_tone_db is None:
                reasons[i] = "the sound is silent or too short"
        return loudness, tone, reasons

    @cached_property
    def light(self) -> F32:
        """(N, 3, 11), see `Signature.light`; NaN where not measured."""
        blank = np.full((3, 11), np.nan, np.float32)
        return np.stack([blank if s is None else s.light for s in self.signatures])

    @cached_property
    def palette(self) -> F32:
        """(N, 3 regions, 4, 8, 8)."""
        return np.asarray(self._stack("palette", (3, 4, 8, 8), np.float32), np.float32)

    @cached_property
    def bands(self) -> F32:
        """(N, 3 zones, 3 regions, 5, 3) Lab."""
        return np.asarray(self._stack("bands", (3, 3, 5, 3), np.float32), np.float32)

    @cached_property
    def tone(self) -> F32:
        """(N, 3 zones, 3 regions, 19, 3) display-encoded quantiles."""
        return np.asarray(self._stack("tone", (3, 3, 19, 3), np.float32), np.float32)

    @cached_property
    def region_weight(self) -> F32:
        """(N, 3 zones, 3 regions)."""
        return np.asarray(self._stack("region_weight", (3, 3), np.float32), np.float32)

    @property
    def relights(self) -> Relights:
        """The whole, the head and the tail of every shot against its group's consensus."""
        return self._relit(self.group.tobytes())

    def relights_of(self, path: str) -> Relights:
        """`relights`, with groups divided where a declared change of attribute `path` begins or
        ends: the light before dusk says nothing about the light after it.
        """
        return self._relit(self.eras(path, self.group).tobytes())

    @once
    def _relit(self, groups: bytes) -> Relights:
        group = np.frombuffer(groups, self.group.dtype)
        whole, head, tail = (picture.relight(self.cells[z], group) for z in range(3))
        return whole, head, tail

    @cached_property
    def cells(self) -> tuple[F64, ...]:
        """Per zone: (N, 192, 3) coarse thumbnails of light, people and all.

        Other shots of the set-up outvote whoever stands before it, while where people are cut out
        depends on whether they were seen (``docs/decisions/0013``).
        """
        return tuple(picture.coarse(self.thumb[:, z]) for z in range(3))

    @once
    def uncovered(self, zone: int) -> F32:
        """(N, 24, 32) share of each cell of the thumbnail that no person hides."""
        out = np.ones((self.count, *self.thumb.shape[2:4]), np.float32)
        for i, signature in enumerate(self.signatures):
            if signature is not None and signature.background_weight is not None:
                out[i] = signature.background_weight[zone][:, :: self._step(i)]
        return out

    @once
    def behind(self, zone: int) -> tuple[F64, F64]:
        """`cells` of one zone without the people, and (N, 192) what is left of each cell: for
        comparing pictures that no others outvote, such as a shot's own two ends.
        """
        light = self.thumb[:, zone].copy()
        for i, signature in enumerate(self.signatures):
            if signature is not None and signature.background is not None:
                light[i] = signature.background[zone][:, :: self._step(i)]
        return picture.coarse_weighted(light, self.uncovered(zone))

    def _step(self, shot: int) -> int:
        """Over the columns of a shot's picture: -1 where it was flopped."""
        return -1 if self.setups.flopped[shot] else 1

    @cached_property
    def bent(self) -> Bool:
        """(N,) whether the difference from the consensus bends tones (gamma, saturation), as a
        grade does, more than light can: light multiplies, a grade bends.
        """
        path = "grade/tonal_bands"
        whole = self.relights_of(path)[0]
        usual = consensus.scale(whole.bend_rms, self.eras(path, self.group), 0.02)
        with np.errstate(invalid="ignore"):
            return (whole.bend_rms > 2.5 * usual) & (whole.bend_rms > 0.3 * whole.gain_rms)

    @property
    def thorough(self) -> bool:
        """Whether comparisons that only some shots need are made for all: in small sequences, from
        which calibration learns what is usual, and where a declared change has to be looked for.
        """
        return self.count <= FEW or bool(self.look.changes)

    @cached_property
    def mate(self) -> I64:
        """(N,) the shot of the same set-up and light to compare with, where two are all there are
        of it; -1 for the one of the two that is the reference, and everywhere in short sequences.

        The reference is the one whose light is nearer to its chapter's: of two shots that differ,
        the odd one out in its scene is to blame. (In larger groups: the first shot.)
        """
        out = np.full(self.count, -1)
        if self.short:
            return out
        light = self.light[:, 0, :3].astype(np.float64)
        for group in range(int(self.group.max(initial=-1)) + 1):
            members = np.flatnonzero(self.group == group)
            if len(members) < 2:
                continue
            reference = members[0]
            if len(members) == 2:
                around = light[self.chapter == self.chapter[members[0]]]
                around = around[np.isfinite(around).all(axis=1)]
                if len(around) > 2:
                    away = np.abs(light[members] - np.median(around, axis=0)).max(axis=1)
                    reference = members[int(np.argmin(np.nan_to_num(away, nan=np.inf)))]
            out[members] = np.where(members == reference, -1, reference)
        return out

    @cached_property
    def mate_relight(self) -> picture.Relight:
        """Shots without a consensus against their `mate` (every shot where `thorough`)."""
        here = (self.mate >= 0) & (~self.has_consensus | self.thorough)
        return picture.relight_pairs(self.cells[0], self.cells[0][self.mate], here)

    @cached_property
    def bent_from_mate(self) -> Bool:
        """(N,) as `bent`, against the `mate`: the bend must be visible by itself."""
        pair = self.mate_relight
        with np.errstate(invalid="ignore"):
            return (pair.bend_rms > 0.12) & (pair.bend_rms > 0.3 * pair.gain_rms)

    @cached_property
    def layout_vectors(self) -> F32:
        """(N, 768) unit layouts of the whole shots."""
        return setups.units(self.layout[:, 0])

    @cached_property
    def nearby(self) -> nearby.Nearby:
        """The light of shots without a consensus against the shots of their scene that look most
        like them; of all shots in sequences small enough, so that calibration knows what is usual.
        """
        wanted = np.zeros(self.count, bool)
        if not self.short:
            wanted = self.measured & (~self.has_consensus | self.thorough)
        vectors = self.layout_vectors
        apart = np.where(self.has_consensus, self.group, -1)
        place = self.chapter
        for part in ("level", "colour_temperature", "key_side"):
            place = self.eras(f"lighting/{part}", place)
        mates = nearby.nearest(vectors, place, wanted, apart)
        return nearby.compare(self.cells[0], mates)

    @cached_property
    def seen_nearby(self) -> Bool:
        """(N,) shots without a consensus whose light is known from the shots beside them."""
        return np.isfinite(self.nearby.level_stops) & ~self.has_consensus

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Everyone who was told apart, in order of first appearance."""
        return tuple(dict.fromkeys(label for row in self.people for label, _ in row))

    @once
    def sightings(self, label: str) -> dict[int, PersonSignature]:
        """Position -> signature of the shots in which `label` was seen."""
        return {i: p for i, row in enumerate(self.people) for name, p in row if name == label}

    @cached_property
    def anchor(self) -> I64:
        """(N,) the first measured shot of each shot's scene; -1 for that shot itself."""
        out = np.full(self.count, -1)
        first: dict[int, int] = {}
        for i in np.flatnonzero(self.measured):
            start = first.setdefault(int(self.scene[i]), int(i))
            out[i] = start if start != i else -1
        return out

    @cached_property
    def previous(self) -> I64:
        """(N,) the nearest earlier shot of the same set-up and light, else of the same scene."""
        out = np.full(self.count, -1)
        by_group: dict[int, int] = {}
        by_scene: dict[int, int] = {}
        for i in np.flatnonzero(self.measured):
            group, scene = int(self.group[i]), int(self.scene[i])
            out[i] = by_group.get(group, by_scene.get(scene, -1))
            by_group[group] = by_scene[scene] = int(i)
        return out

    @cached_property
    def has_consensus(self) -> Bool:
        """(N,) whether the shot has a group of at least `consensus.MIN_GROUP`."""
        out = np.zeros(self.count, bool)
        for members in consensus.parts(self.group):
            out[members] = True
        return out

    def eras(self, path: str, group: I64) -> I64:
        """`group` divided where a declared change of attribute `path` begins or ends."""
        if self.short:
            return np.where(group >= 0, np.arange(self.count), -1)
        if not self.look.changes:
            return group
        era = np.zeros(self.count, dtype=np.int64)
        about = [c for c in self.look.changes if matches(c.path, path)]
        for bit, change in enumerate(about[:60]):
            inside = [self.look.covers(change.scope, i) for i in self.ids]
            era |= np.array(inside, dtype=np.int64) << bit
        _, out = np.unique(np.stack([group, era]), axis=1, return_inverse=True)
        return np.where(group >= 0, out, -1)

    def scene_name(self, position: int) -> str | None:
        """Declared name, or "scene 1" and so on in order of first appearance."""
        scene = int(self.scene[position])
        if scene < 0:
            return None
        if scene in self._declared:
            return self._declared[scene]
        return f"scene {self._scene_rank[scene] + 1}"

    def setup_name(self, position: int) -> str | None:
        """Camera set-up as a slate letters it: A, B, … (I and O skipped), AA after Z."""
        setup = int(self.setup[position])
        if setup < 0:
            return None
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
        rank = self._setup_rank[setup]
        name = ""
        while True:
            name = letters[rank % 24] + name
            rank = rank // 24 - 1
            if rank < 0:
                return name

    @cached_property
    def _scene_rank(self) -> dict[int, int]:
        order = dict.fromkeys(int(s) for s in self.scene if s >= 0)
        return {scene: rank for rank, scene in enumerate(order)}

    @cached_property
    def _setup_rank(self) -> dict[int, int]:
        order = dict.fromkeys(int(s) for s in self.setup if s >= 0)
        return {setup: rank for rank, setup in enumerate(order)}
