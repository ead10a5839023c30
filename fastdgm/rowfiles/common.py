"""What the formats share: types, an empty table, pyarrow, and damage reported with the file's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..samples import Samples

if TYPE_CHECKING:
    from types import ModuleType

States = Mapping[str, tuple[str, ...]]
Scores = npt.NDArray[np.float64]
SCORE = "log_prob"  # the name of the column


def no_rows(states: States) -> Samples:
    """Samples of no rows, which know the type of the codes and the schema of the columns."""
    from ..lowering import code_type

    dtype = code_type([len(own) for own in states.values()])
    return Samples(np.empty((len(states), 0), dtype), states)


def require_pyarrow() -> ModuleType:
    """The pyarrow module, or an ImportError that says what to install."""
    try:
        import pyarrow
    except ImportError:
        raise ImportError(
            'Parquet, Arrow and CSV files need pyarrow: pip install "fastdgm[cli]"; .npy files do not'
        ) from None
    return pyarrow


def slices(batch: Any, chunk: int) -> Iterator[Any]:
    """A record batch in pieces of at most ``chunk`` rows, which share its memory."""
    for first in range(0, batch.num_rows, chunk):
        yield batch.slice(first, chunk)


def checked_batches(path: Path, kind: str, batches: Iterator[Any]) -> Iterator[Any]:
    """The first batch, so that its columns are checked even if it is empty, then those that have rows.

    Whatever the reader behind ``batches`` raises becomes a FormatError that names the file.
    """
    first = True
    while True:
        try:
            batch = next(batches)
            batch.validate(full=True)  # indices within their dictionaries, text in UTF-8
            _ = batch.schema.names  # in UTF-8 too
        except StopIteration:
            return
        except (ValueError, TypeError, LookupError, OSError, EOFError, ArithmeticError, NotImplementedError) as error:
            first_line = str(error).partition("\n")[0]
            raise FormatError(f"{path}: damaged, or no {kind} file: {first_line}") from None
        if first or batch.num_rows:
            yield batch
        first = False
