"""Every error filmgate raises on purpose.

```
FilmgateError
  UsageError             the caller can fix it                exit 2
    UnknownPlugin        no such check, extractor, generator
    MissingExtra         an optional package is not installed
    BadSetting           a setting or a declared file is wrong
    BadFootage           nothing in the input can be measured
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


class MeasurementError(FilmgateError):
    """One file or shot could not be read or measured; the run goes on without it."""


class StoreError(FilmgateError):
    """The project store (`.filmgate/`) or a report could not be read or written."""
