"""What others say, cut to one sentence, and nothing that is or looks like a key.

A provider's error may quote the key it was given, a signed link is a key itself, and HTTP clients
log the links they follow.
"""

from __future__ import annotations

import logging
import os
import re
from functools import cache

LONGEST_CHARS = 240

_SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.I)
_SECRET_TEXT = re.compile(
    r"(?i)\bbearer\s+[^\s\"',;]+|\b(?:sk|key|rw)[-_][A-Za-z0-9*_-]{8,}|\bAIza[\w-]{10,}"
    r"|\bya29\.[\w.-]+|\beyJ[\w-]+\.[\w.-]+"
)
_URL = re.compile(r"(https?://[^\s\"'<>?]+)\?[^\s\"'<>]*")


def sentence(text: str, longest: int = LONGEST_CHARS) -> str:
    """The first sentence of `text` on one line, without mark-up and secrets, cut to `longest`."""
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", redacted(text))).strip()
    end = re.search(r"[.!?](?=\s+[A-Z(\"'])", plain)
    if end:
        plain = plain[: end.end()]
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def redacted(text: str) -> str:
    """`text` without anything that is, or looks like, a key; links lose their query."""
    for name, value in os.environ.items():
        if len(value) >= 8 and not value.isdigit() and _SECRET_NAME.search(name):
            text = text.replace(value, "[key]")
    return _URL.sub(r"\1", _SECRET_TEXT.sub("[key]", text))


class _LinksHidden(logging.Filter):
    """Takes the query, which is the secret of a signed link, out of what HTTP clients log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, its text redacted."""
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


@cache
def hide_links() -> None:
    """From now on no HTTP client logs the query of a link."""
    for name in ("httpx", "httpx2", *(f"httpcore{n}.http{v}" for n in ("", "2") for v in (11, 2))):
        logging.getLogger(name).addFilter(_LinksHidden())
