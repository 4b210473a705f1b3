"""What an answer of ``generateContent`` says: its parts, and why there may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from filmgate.models import http

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse, Part

REFUSALS = {
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR", "ESCALATION",
}  # fmt: skip
"""Finish reasons that a policy is behind (google-genai 3.4, ``types.FinishReason``)."""
CUT_OFF = {"MAX_TOKENS", "CONTINUATION"}
"""Finish reasons of an answer that goes on beyond what was sent."""
WHOLE = {"STOP", "FINISH_REASON_UNSPECIFIED", ""}


def parts_of(answer: GenerateContentResponse) -> list[Part]:
    """The parts of the first candidate; none when there is none."""
    for candidate in answer.candidates or []:
        return list((candidate.content.parts if candidate.content else None) or [])
    return []


def text_of(answer: GenerateContentResponse) -> str:
    """The text of the answer, without what the model thought aloud."""
    return "".join(p.text for p in parts_of(answer) if p.text and not p.thought)


def said(answer: GenerateContentResponse) -> str:
    """The text of the answer as one sentence."""
    return http.sentence(text_of(answer))


def finish(answer: GenerateContentResponse) -> str:
    """The finish reason of the first candidate; "" for none."""
    for candidate in answer.candidates or []:
        return _name(candidate.finish_reason)
    return ""


def refusal(answer: GenerateContentResponse) -> str:
    """Why a policy stands in the way, as a sentence; "" when none does."""
    feedback = answer.prompt_feedback
    blocked = _name(feedback.block_reason) if feedback is not None else ""
    if feedback is not None and blocked:
        words = http.sentence(feedback.block_reason_message or "")
        return f"the request was blocked ({blocked}{f': {words}' if words else ''})."
    reason = finish(answer)
    if reason not in REFUSALS:
        return ""
    words = http.sentence(next((c.finish_message or "" for c in answer.candidates or []), ""))
    return f"it was stopped by a policy ({reason}{f': {words}' if words else ''})."


def unfinished(answer: GenerateContentResponse) -> str:
    """Why the answer is not whole, as a sentence; "" when it is."""
    reason = finish(answer)
    if reason in CUT_OFF:
        return f"the answer was cut off ({reason})."
    return "" if reason in WHOLE else f"it stopped ({reason})."


def _name(reason: Any) -> str:
    """An enumerated reason as Google writes it; "" for none."""
    return "" if reason is None else str(getattr(reason, "value", reason))
