"""What a take is asked with: prompt, structured description, references, price."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filmgate.assets.board import Board
from filmgate.assets.store import Store
from filmgate.errors import BadSetting, CannotExpress
from filmgate.loop import library
from filmgate.models import catalog, fitting
from filmgate.models.generator import Capability, Generator, Picture, Request
from filmgate.orchestration.policy import Finding, Step
from filmgate.orchestration.roles import Draft
from filmgate.orchestration.state import Order
from filmgate.refinement import prompts
from filmgate.schema.look import Look
from filmgate.schema.plan import Person, Place, Plan, PlannedShot, Reference
from filmgate.schema.take import Revision, Take

SEED_SPAN = 2**31 - 1


class Workshop:
    """Drafts requests and repairs takes for one plan.

    Args:
        plan: with every reference's digest filled in.
        looks: by sequence, bound to it.
        generators: by name.
        parameters: by generator, what the brief adds to every request.
    """

    def __init__(
        self, store: Store, plan: Plan, looks: Mapping[str, Look],
        generators: Mapping[str, Generator], parameters: Mapping[str, Mapping[str, Any]],
    ) -> None:  # fmt: skip
        self._store, self._plan, self._looks = store, plan, looks
        self._generators, self._parameters = generators, parameters
        self._shots = {shot.slate: shot for shot in plan.shots()}
        self._places = {place.name: place for place in plan.places}
        self._library = library.Library(store, plan)
        self._people = {person.name: person for person in plan.people}

    def expected(self, slate: str) -> dict[str, str | float]:
        """What is declared of a shot."""
        shot = self._shots[slate]
        return prompts.expected(self._looks[shot.sequence], shot, self._plan)

    def draft(
        self, slate: str, order: Order, revisions: Sequence[Revision], parent: str
    ) -> Draft:  # fmt: skip
        """The request for a take.

        Raises:
            CannotExpress: the model is not on offer.
        """
        shot, generator = self._shots[slate], self._generators[order["generator"]]
        can = capability(generator, order["generator"], order["model"])
        expect = self.expected(slate)
        references = self._references(shot, can)
        request = Request(
            model=can.model,
            prompt=prompts.compose(self._plan, shot, expect, revisions),
            # The seed cannot make a model repeat itself, but it makes takes differ where it works.
            seed=(hash_of(order["take"]) % SEED_SPAN),
            duration_s=shot.duration_s, size=self._plan.size, rate=self._plan.rate,
            sound=can.sound,
            pictures=tuple(
                Picture(self._store.vault.path(r.digest), r.digest, r.role, r.tag)
                for r in references
            ),
            shot=self._described(shot, expect, revisions),
            parameters={
                **self._parameters.get(order["generator"], {}),
                **({} if order.get("pickup") is None else
                   {"pickup": {"from_frame": order["pickup"]}}),
            },
            nonce=order["take"],
        )  # fmt: skip
        request = fit(generator, order["generator"], request)
        # Without a price a budget in dollars is refused at the start, so here there is none.
        price_usd = 0.0
        with contextlib.suppress(BadSetting):
            price_usd = generator.price_usd(request)
        return Draft(
            request, request.hash(order["generator"]), price_usd, not can.offline, references
        )

    def _described(
        self, shot: PlannedShot, expect: Mapping[str, str | float], revisions: Sequence[Revision]
    ) -> dict[str, object]:
        place = self._places.get(shot.place, Place(name=shot.place or "somewhere"))
        people = [self._people.get(name, Person(name=name)) for name in shot.people]
        wanted = {
            "slate", "sequence", "scene", "setup", "framing", "lens_mm", "move", "action",
            "time_of_day", "light", "sound",
        }  # fmt: skip
        plain = shot.plain()
        return {
            **{key: plain[key] for key in sorted(wanted)},
            "place": place.model_dump(mode="json", exclude={"references"}),
            "people": [p.model_dump(mode="json", exclude={"references"}) for p in people],
            "expect": dict(expect),
            "revisions": [r.model_dump(include={"path", "value", "clause"}) for r in revisions],
        }

    def _references(self, shot: PlannedShot, can: Capability) -> tuple[Reference, ...]:
        """The pictures that bind the shot best, as many as the model takes."""
        frames = tuple(
            r for r in shot.references
            if (r.role == "first_frame" and can.first_frame)
            or (r.role == "last_frame" and can.last_frame)
        )  # fmt: skip
        if can.references <= 0:
            return frames
        own = [r for r in shot.references if r.role in ("asset", "style") and r.digest]
        pictures = [library.Picture(r, f"{r.of} {r.tag}") for r in own]
        pictures += self._library.given() + self._library.circled(shot)
        pool = {p.reference.digest: p for p in reversed(pictures) if p.reference.digest}
        names = [*shot.people, shot.place]
        words = f"{shot.action} {shot.setup} {shot.place} {' '.join(shot.people)}"
        board = Board(self._library.cards(pool.values(), own))
        best = board.best([n for n in names if n], words, can.references)
        return (*frames, *(pool[card.digest].reference for card in best))

    def picks_up(self, take: Take) -> bool:
        """Whether the generator of `take` can make it again from a frame on."""
        made_by = self._generators.get(take.recipe.generator)
        return made_by is not None and any(
            can.pickups for can in made_by.capabilities() if can.model == take.recipe.model
        )

    def repair(self, take: Take, step: Step, findings: Sequence[Finding]) -> Take:
        """A repaired copy of `take`; the original stays as it is."""
        from filmgate.loop.repairs import repaired

        return repaired(self._store, take, step, findings)


def fit(generator: Generator, name: str, request: Request) -> Request:
    """`request` in the form that its model makes, where the model's limits are known.

    A generator whose models the project itself describes offers ``row(model)``; the catalog knows
    the others.
    """
    own = getattr(generator, "row", None)
    if own is not None:
        return fitting.fitted(own(request.model), request)
    for row in catalog.rows():
        if (row.model, row.protocol) == (request.model, name):
            return fitting.fitted(row, request)
    return request


def capability(generator: Generator, name: str, model: str) -> Capability:
    """What `model` can do; the generator's first model of pictures in motion when it is "".

    Raises:
        CannotExpress: the generator has no such model.
    """
    offered = generator.capabilities()
    for one in offered:
        if one.model == model or (not model and "video" in one.kinds):
            return one
    # The catalog knows why: retired (and by what it is replaced), another generator's, a typo.
    if any(row.protocol == name for row in catalog.rows()):
        catalog.find(model, name)
    known = ", ".join(one.model for one in offered) or "none"
    raise CannotExpress(f"'{name}' has no model '{model}': it has {known}.")


def kept(store: Store, plan: Plan, folder: Path) -> Plan:
    """`plan` with the bytes of every reference in the vault, and their digests in it."""

    def keep(reference: Reference) -> Reference:
        digest = store.vault.put_file(folder / reference.file)
        return reference.model_copy(update={"digest": digest})

    def with_kept(thing: Any) -> Any:
        return thing.model_copy(update={"references": tuple(keep(r) for r in thing.references)})

    return plan.model_copy(
        update={
            "people": tuple(with_kept(p) for p in plan.people),
            "places": tuple(with_kept(p) for p in plan.places),
            "sequences": tuple(
                s.model_copy(update={"shots": tuple(with_kept(shot) for shot in s.shots)})
                for s in plan.sequences
            ),
        }
    )


def hash_of(text: str) -> int:
    """A number that follows from `text` on every machine."""
    import hashlib

    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def names_of(plan: Plan) -> tuple[str, ...]:
    """Digests of every reference of a plan that is kept."""
    things: list[Person | Place | PlannedShot] = [*plan.people, *plan.places, *plan.shots()]
    return tuple(r.digest for thing in things for r in thing.references if r.digest)
