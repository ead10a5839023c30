"""What the formats share: types, an empty table, pyarrow, and damage reported with the file's name."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ...data.samples import Samples
from ...data.schema import Schema, Values
from ...data.variables import Discrete
from ...errors import FormatError
from ...runtime.extras import how_to_install
from ...runtime.text import shortened

if TYPE_CHECKING:
    from types import ModuleType

States = Mapping[str, tuple[str, ...]]
Scores = npt.NDArray[np.float64]
SCORE = "log_prob"  # the name of the column


def as_schema(variables: Schema | States) -> Schema:
    """Discrete variables by their states, or those of any network as they are."""
    if isinstance(variables, Schema):
        return variables
    return Schema({name: Discrete(tuple(states)) for name, states in variables.items()})


def with_first(chunks: Iterable[Samples], schema: Schema) -> tuple[Samples, Iterator[Samples]]:
    """The first chunk, which knows the types of the columns, and all of them; without any, samples of no rows."""
    remaining = iter(chunks)
    first = next(remaining, None)
    if first is None:
        values = Values(np.empty((schema.n_codes, 0), schema.code_dtype), np.empty((schema.n_reals, 0), np.float32))
        first = Samples.of(values, schema)
    return first, chain([first], remaining)


def require_pyarrow() -> ModuleType:
    """The pyarrow module, or an ImportError that says what to install."""
    try:
        import pyarrow
    except ImportError:
        raise ImportError(
            f"Parquet, Arrow and CSV files need pyarrow: {how_to_install('cli', 'pyarrow')}; .npy files do not"
        ) from None
    return pyarrow


def slices(batch: Any, chunk: int) -> Iterator[Any]:
    """A record batch in pieces of at most ``chunk`` rows, which share its memory."""
    for first in range(0, batch.num_rows, chunk):
        yield batch.slice(first, chunk)


def check_seekable(file: BinaryIO, kind: str) -> None:
    """Refuse a FIFO for a format that goes back in its file."""
    if not file.seekable():
        raise OSError(errno.ESPIPE, f"{kind} cannot be written to a pipe, CSV can")


def damaged(path: Path, kind: str, error: BaseException) -> FormatError:
    """The error to raise where a reader fails: names the file, and says what the reader said in one line."""
    return FormatError(f"{path}: damaged, or no {kind}: {shortened(_printable(str(error).partition(chr(10))[0]))}")


def _printable(message: str) -> str:
    """The message without characters that could steer a terminal: readers quote the garbage that they found."""
    return "".join(character if character.isprintable() else "?" for character in message)


def checked_batches(path: Path, kind: str, batches: Iterator[Any]) -> Iterator[Any]:
    """The first batch, so that its columns are checked even if it is empty, then those that have rows.

    Whatever the reader behind ``batches`` raises becomes a FormatError that names the file, unless it is one;
    MemoryError too, which is what a damaged size looks like.
    """
    pa = require_pyarrow()
    expected = (ValueError, TypeError, LookupError, OSError, EOFError, ArithmeticError, MemoryError)
    first = True
    while True:
        try:
            batch = next(batches)
            batch.validate(full=True)  # indices within their dictionaries, text in UTF-8
            _ = batch.schema.names  # in UTF-8 too
        except StopIteration:
            return
        except FormatError:
            raise
        except (*expected, NotImplementedError, pa.ArrowException) as error:
            raise damaged(path, f"{kind} file", error) from None
        if first or batch.num_rows:
            yield batch
        first = False
