"""Tables with named columns, in and out: blocks of codes for the kernels, pandas and Arrow for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .columns import import_pyarrow, matched_columns, pieces
from .conditionals import MAX_STATES
from .labels import Codes, Encoder, Labels, Piece, Variable, as_unsigned, bad_code, missing_value, whole_numbers

if TYPE_CHECKING:
    from .samples import Samples


class TableReader:
    """A table with named columns, checked as to its columns, whose rows are turned into codes when they are read.

    Integers and whole floats are codes, strings are labels, booleans match the states False / True, categoricals
    go by category name. Label columns go through their dictionary, never row by row. Reading is safe from several
    threads.

    Parameters
    ----------
    data : a mapping from names to columns, Samples, a pandas or polars DataFrame, a pyarrow Table or RecordBatch,
        or anything else with ``__arrow_c_stream__``. Columns are matched by name, in any order.
    states : names of the states of every variable, in the order of the rows of a block.
    dtype : uint8 or uint16.

    Raises
    ------
    KeyError : an unknown or missing column, an unknown label. TypeError : no table, or values of another kind.
    ValueError : repeated column names, columns of different lengths, floats that are not whole, missing values,
        integers where they could be codes or state names, and when read: codes out of range, missing values.
    """

    def __init__(self, data: Any, states: Mapping[str, tuple[str, ...]], dtype: npt.DTypeLike) -> None:
        columns, self.n_rows = matched_columns(data, states)
        self._dtype = np.dtype(dtype)
        self._encoders: list[list[Encoder]] = []
        for name, own_states in states.items():
            variable = Variable(name, own_states)
            row = 0
            own: list[Encoder] = []
            for piece in pieces(name, columns[name]):
                own.append(Encoder(piece, variable, row))
                row += len(piece)
            self._encoders.append(own)

    def read(self, begin: int, end: int) -> npt.NDArray[np.unsignedinteger[Any]]:
        """The codes of rows ``begin`` to ``end`` as a fresh C-ordered block ``(n_vars, end - begin)``."""
        block = np.empty((len(self._encoders), end - begin), self._dtype)
        for out, encoders in zip(block, self._encoders, strict=True):
            row = -begin  # where the next piece starts in the block
            for encoder in encoders:
                first, last = max(row, 0), min(row + len(encoder), end - begin)
                if first < last:
                    encoder.encode(first - row, last - row, out[first:last])
                row += len(encoder)
        return block


def infer_states(data: Any, known: Mapping[str, tuple[str, ...]], names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """State names of every variable: those known, and for the others what the data's columns say.

    Categories in their order for categoricals, sorted labels for strings, ``("False", "True")`` for booleans,
    ``"0"`` to the largest code for integers. Raises as :class:`TableReader`, and ValueError for a column of no
    rows or of more than 65 535 states.

    Examples
    --------
    >>> infer_states({"rain": [0, 2], "wet": ["yes", "no"]}, {}, ["rain", "wet"])
    {'rain': ('0', '1', '2'), 'wet': ('no', 'yes')}
    """
    names = tuple(names)
    columns, _ = matched_columns(data, names)
    return {name: known[name] if name in known else _inferred(name, pieces(name, columns[name])) for name in names}


def _inferred(name: str, parts: Iterator[Piece]) -> tuple[str, ...]:
    found: dict[str, None] = {}  # an ordered set
    ordered = True
    n_codes = row = 0
    for part in parts:
        if isinstance(part, Codes):
            n_codes = max(n_codes, _n_codes(name, part, row))
        else:
            _check_complete(name, part, row)
            found.update((str(label), None) for label in part.labels if label is not None)
            ordered = ordered and part.categories
        row += len(part)
    states = tuple(found if ordered else sorted(found)) or tuple(map(str, range(n_codes)))
    if not states:
        raise ValueError(f"the states of {name!r} are not known, and cannot be learnt from a column of no rows")
    if len(states) > MAX_STATES:
        raise ValueError(f"a variable has at most {MAX_STATES} states, column {name!r} has {len(states)}")
    return states


def _n_codes(name: str, part: Codes, first_row: int) -> int:
    """One more than the largest code; negative and absurdly large ones are refused."""
    if len(part) == 0:
        return 0
    values = whole_numbers(part.values, name, first_row)
    unsigned = as_unsigned(values)
    row = int(unsigned.argmax())
    if unsigned[row] >= MAX_STATES:
        raise bad_code(Variable(name, tuple(map(str, range(MAX_STATES)))), first_row + row, values[row])
    return int(unsigned[row]) + 1


def _check_complete(name: str, part: Labels, first_row: int) -> None:
    missing = part.values < 0
    if missing.any():
        raise missing_value(name, first_row + int(missing.argmax()))


def samples_to_pandas(samples: Samples) -> Any:
    """A pandas DataFrame of categoricals that share the codes of variables with up to 126 states.

    The shared columns are read-only: ``.copy()`` the frame before changing it in place.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError('to_pandas needs pandas: pip install "fastdgm[frames]"') from None

    types: dict[tuple[str, ...], Any] = {}  # making a type costs more than wrapping a column: share them
    columns = {}
    for name, codes in samples.items():
        states = samples.states[name]
        if states not in types:
            types[states] = pd.CategoricalDtype(states)
        columns[name] = pd.Categorical.from_codes(_signed(codes, len(states)), dtype=types[states], validate=False)
    return pd.DataFrame(columns, copy=False)


def samples_to_arrow(samples: Samples) -> Any:
    """A pyarrow Table of dictionary columns, unordered, that share the codes."""
    pa = import_pyarrow("to_arrow")
    columns = []
    for name, codes in samples.items():
        states = samples.states[name]
        indices = pa.array(_signed(codes, len(states)))
        columns.append(pa.DictionaryArray.from_arrays(indices, pa.array(states, pa.string()), safe=False))
    return pa.table(columns, names=list(samples.names))


def _signed(codes: npt.NDArray[Any], n_states: int) -> npt.NDArray[Any]:
    """The same bytes as signed integers, which pandas and Arrow prefer, where the largest code allows it."""
    signed = np.dtype(f"i{codes.dtype.itemsize}")
    return codes.view(signed) if n_states - 1 <= np.iinfo(signed).max else codes
