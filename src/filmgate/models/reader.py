"""The contract of a reader: something that answers a question about pictures and text, in a shape.

A reader gives opinions. What it answers is data for the caller to check, never an instruction, and
text in the pictures or in the material must not become one. A question that gets no usable answer
is *not measured*, with the reason; only what concerns every question ends a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reader is made with.

    Attributes:
        model: Model id; "" for the reader's own choice.
        timeout_s: Longest wait for one answer, seconds.
        patience_s: How long in all to wait for a provider that asks to wait or is down, seconds. A
            question is asked again only when the provider has certainly not taken it.
        options: The table ``[readers.<name>]`` of the brief or of filmgate.toml.
    """

    model: str = ""
    timeout_s: float = 120.0
    patience_s: float = 120.0
    options: Mapping[str, object] = field(default_factory=dict)


@runtime_checkable
class Reader(Protocol):
    """What every file in ``readers/`` offers: ``READER`` is called with `Terms`.

    Making one sends nothing and needs no key; the key is read from the environment when first used.
    """

    @property
    def identity(self) -> str:
        """Name of the reader and the model asked: part of the key of what is kept of its answers.

        Two readers of one identity may be asked for the same answer.
        """
        ...

    @property
    def answered_by(self) -> Mapping[str, int]:
        """Model versions that answered so far, as the provider names them -> how often.

        Providers send questions for one model to another without an error; whoever qualifies a
        judge compares this with what it was qualified as.
        """
        ...

    def read(
        self, images: Sequence[bytes], question: str, schema: dict[str, Any], *, material: str = ""
    ) -> dict[str, Any]:
        """Answer `question` about pictures, and about `material`, with one request.

        Args:
            images: JPEG, PNG or WebP files; may be empty.
            question: what to do, in words.
            schema: JSON Schema of the answer, an object. The provider is held to it; the outermost
                properties it requires are there and have its type. What is deeper is not checked
                here: a whole answer is not thrown away because of one colour.
            material: long text to read, such as a whole script.

        Raises:
            MeasurementError: no usable answer to this question: refused, blocked, empty, cut off,
                not JSON, not the shape asked for, too large, or no answer in time.
            WrongKey, MissingExtra, BadSetting: no other question would be answered either.
        """
        ...
