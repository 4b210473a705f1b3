"""Every error filmgate raises on purpose.

```
FilmgateError
  UsageError             the caller can fix it                exit 2
    UnknownPlugin        no such check, extractor, generator
    MissingExtra         an optional package is not installed
    BadSetting           a setting or a declared file is wrong
    BadFootage           nothing in the input can be measured
    CannotExpress        a model cannot make what is asked      nothing was sent
    WrongKey             a provider's key is missing or refused nothing was accepted
    Conflict             somebody else was first                nothing was written
  ProviderError          asking a provider went wrong
    Throttled            it asks to wait                        nothing was accepted: wait
    Unavailable          it could not be reached or is down     nothing was accepted: ask again
    AnswerUnknown        sent, but the answer was lost          never sent again by itself
    Refused              it declined, or made nothing           final for this request
    TakeLost             made, but it cannot be fetched any more  final for this request
  MeasurementError       one file or shot cannot be read      finding "not measured"
  StoreError             .filmgate cannot be read or written  exit 2
```

The base class decides what happens next: a `UsageError` or `StoreError` is printed as one sentence,
a `MeasurementError` becomes a *not measured* finding with its message as the reason.
"""


class FilmgateError(Exception):
    """Base of every error raised on purpose; its text is one sentence a user can act on."""


class UsageError(FilmgateError):
    """The caller asked for something that cannot be done; the text says what to change."""


class UnknownPlugin(UsageError):
    """No check, extractor, generator or export of that name exists."""


class MissingExtra(UsageError):
    """An optional package is not installed; the text names the extra that brings it."""


class BadSetting(UsageError):
    """A setting, `look.toml`, sidecar or timeline says something that cannot be right."""


class BadFootage(UsageError):
    """The input as a whole holds nothing that can be checked."""


class CannotExpress(UsageError):
    """The model asked for cannot make this request; known before anything is sent."""


class WrongKey(UsageError):
    """A provider's key is missing or was refused; the text names the variable, not the key."""


class Conflict(UsageError):
    """Somebody else was first: another run holds the project, another person decided the take."""


class ProviderError(FilmgateError):
    """Asking a provider went wrong; the subclass says what may be done next."""


class Throttled(ProviderError):
    """The provider accepted nothing and asks to wait.

    Attributes:
        retry_after_s: how long it asks to wait, seconds; None when it does not say.
    """

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Unavailable(ProviderError):
    """The provider could not be reached or is down, and certainly accepted nothing."""


class AnswerUnknown(ProviderError):
    """The request left, and whether the provider accepted it is not known: it may cost money."""


class Refused(ProviderError):
    """The provider declined the request, or said it succeeded and made nothing."""


class TakeLost(ProviderError):
    """The provider made the take, but it can no longer be fetched (link expired, job forgotten)."""


class MeasurementError(FilmgateError):
    """One file or shot could not be read or measured; the run goes on without it."""


class StoreError(FilmgateError):
    """The project store (`.filmgate/`) or a report could not be read or written."""
