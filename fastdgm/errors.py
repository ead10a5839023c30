"""The exceptions a caller may want to catch by name; everything else is a plain ValueError or TypeError."""

_LONGEST = 1000  # characters of a message: values in hostile files have any length


def shortened(message: str, longest: int = _LONGEST) -> str:
    """A message of bounded length: its begin and its end.

    Examples
    --------
    >>> shortened("x" * 1000, longest=20)
    'xxxxxxx ... xxxxxxxx'
    """
    if len(message) <= longest:
        return message
    half = (longest - 5) // 2
    return f"{message[:half]} ... {message[half + 5 - longest :]}"


class NotFittedError(ValueError):
    """The network has a structure but no tables yet: call ``fit`` first."""


class FormatError(ValueError):
    """A file does not follow its format; the message names the file and, where known, the line."""


class UnknownNameError(KeyError):
    """A variable, state or example that does not exist was asked for."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class MissingValuesError(ValueError):
    """The data has missing entries where complete rows are needed."""
