"""The exceptions a caller may want to catch by name; everything else is a plain ValueError or TypeError."""


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


class ImpossibleEvidenceError(ValueError):
    """What a row says of some variables has probability 0, so that nothing follows from it."""


class DivergedError(FloatingPointError, ValueError):
    """Training met a loss, a gradient or a parameter that is not finite; the model is as it was."""


class CudaUnavailableError(RuntimeError):
    """A GPU was asked for and there is none, or something that its use needs is missing: the message says what."""


class VersionMismatchError(RuntimeError):
    """A worker that runs other versions than the client, and so might give other rows."""
