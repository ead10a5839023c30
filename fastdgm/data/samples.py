"""Samples: rows drawn from a network, kept by column, that also behave as an array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.text import preview
from .missing_codes import missing_code, missing_in
from .rows_by_column import RowsByColumn
from .schema import Schema, Values
from .variables import Discrete
from .vectors import cells_in_range

CUDA_SAMPLES = f"{__package__}.cuda_samples"
SHOWN_ROWS, SHOWN_COLUMNS = 5, 6  # of a repr
SHOWN_HTML_COLUMNS = 200  # beside each other, to scroll through; the rows are the first and the last five


class Samples(RowsByColumn):
    """Rows by column: ``x["wet"]`` is a column, ``x[a:b]`` rows, ``np.asarray(x)`` is ``(n, n_vars)``.

    ``len(x)`` is the number of rows; ``x[:, :k]`` is a plain array. Columns are read-only views of a block of
    unsigned codes and one of floats: codes or numbers ``(n,)``, vectors ``(n, *event_shape)``. Where all variables are
    of one kind nothing is copied on the way to NumPy; of both kinds ``np.asarray`` makes float64, a column for each
    value of a vector. The label-keeping ``__arrow_c_stream__`` (polars, pyarrow, DuckDB) reuses codes and numbers;
    ``to_pandas()`` copies them.

    Parameters
    ----------
    block : ``(n_vars, n)`` codes, uint8 or uint16, in the order of ``states``; made read-only, not copied. The largest
        number of the type, where it is no state, is a missing value.
    states : names of the states of every variable.
    seed, start : where the rows come from: rows ``start``, ``start + 1``, ... of the seed's data set. ``start``
        is None for rows picked by a mask, an index list or a step.

    Raises
    ------
    TypeError : a block of another type. ValueError : a block of another shape. Operations check the codes.

    Examples
    --------
    >>> import fastdgm as fd
    >>> x = fd.example("asia").sample(4, seed=0)
    >>> x.shape, x[:2].shape, x[:, :3].shape, x["smoke"].shape
    ((4, 8), (2, 8), (4, 3), (4,))
    >>> x[x["smoke"] == 0].start is None
    True
    """

    def __init__(
        self,
        block: npt.NDArray[Any],
        states: Mapping[str, Sequence[str]],
        seed: int | None = None,
        start: int | None = None,
    ) -> None:
        _check_block(block, len(states))
        schema = Schema({name: Discrete(tuple(labels)) for name, labels in states.items()})
        self._set(Values(block, np.empty((0, block.shape[1]), np.float32)), schema, seed, start)

    @classmethod
    def of(cls, values: Values, schema: Schema, seed: int | None = None, start: int | None = None) -> Samples:
        """Rows of any variables, from blocks that are known to be right: made read-only, not copied."""
        samples = cls.__new__(cls)
        samples._set(values, schema, seed, start)
        return samples

    def _set(self, values: Values, schema: Schema, seed: int | None, start: int | None) -> None:
        values.codes.flags.writeable = values.reals.flags.writeable = False
        self._blocks = values
        self._schema = schema
        self.seed = seed
        self.start = start

    @property
    def blocks(self) -> Values:
        """The blocks of codes ``(n_codes, n)`` and of reals ``(n_reals, n)``, read-only."""
        return self._blocks

    @property
    def block(self) -> npt.NDArray[Any]:
        """The codes, or reals, as the kernels see them: ``(n_vars, n)``, read-only.

        Raises ValueError where there are both.
        """
        if self._blocks.codes.shape[0] and self._blocks.reals.shape[0]:
            raise ValueError("samples of discrete and real variables have no single block: take columns, as x['name']")
        return self._blocks.reals if self._blocks.reals.shape[0] else self._blocks.codes

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the codes, uint8, or uint16 if a variable has more than 256 states; of the reals; float64 of both."""
        if self._schema.n_codes and self._schema.n_reals:
            return np.dtype(np.float64)
        return self.block.dtype

    @property
    def n_missing(self) -> int:
        """How many codes are missing, and how many reals NaN; they are counted anew."""
        codes, reals = self._blocks
        owners = zip(codes, self._schema.cell_states.values(), strict=True)
        found = (missing_in(own, len(states)) for own, states in owners)
        return sum(int(np.count_nonzero(own)) for own in found if own is not None) + int(np.isnan(reals).sum())

    def values(self) -> Iterator[npt.NDArray[Any]]:
        """Columns."""
        return map(self._column, self.names)

    def items(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """(name, column) pairs."""
        return ((name, self._column(name)) for name in self.names)

    def _column(self, name: str) -> npt.NDArray[Any]:
        return column_of(self._blocks, self._schema, name)

    def _picked(self, rows: Any, start: int | None) -> Samples:
        blocks = Values(self._blocks.codes[:, rows], self._blocks.reals[:, rows])
        return Samples.of(blocks, self._schema, self.seed, start)

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """Iterate over rows, as an array does."""
        return iter(rows_of(self._blocks, self._schema))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._schema.variables:
                raise UnknownNameError(f"no variable {key!r}; the samples have {preview(self.names)}")
            return self._column(key)
        if isinstance(key, slice):
            first, _, step = key.indices(len(self))
            start = self.start + first if self.start is not None and step == 1 else None
            return self._picked(key, start)
        if np.ma.is_masked(key):
            raise ValueError("rows are picked by a mask or by row numbers without missing entries, got a masked array")
        if isinstance(key, list) or hasattr(key, "__array__"):  # a Series picks rows as an array does
            rows = np.asarray(key)
            if rows.ndim == 1:
                return self._picked(_row_index(rows), None)
        return rows_of(self._blocks, self._schema)[key]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False and self._schema.n_codes and self._schema.n_reals:
            raise ValueError("discrete and real variables become one array by a copy only")
        return np.array(rows_of(self._blocks, self._schema), dtype=dtype, copy=copy)

    def to(self, device: str) -> Any:
        """The rows on a GPU, "cuda" or "cuda:1", as :class:`CudaSamples`, copied once; codes are checked where used.

        Raises CudaUnavailableError where there is none, ValueError for another device.
        """
        from .placement import Placement

        placement = Placement.asked(device)
        if placement.queue is None:
            raise ValueError(f'samples are on the CPU: to() takes "cuda" or "cuda:<number>", got {device!r:.60}')
        there = Values(*map(placement.queue.to_device, self._blocks))
        of_card = import_module(CUDA_SAMPLES).CudaSamples  # which imports this module: each makes the other
        return of_card(there, self._schema, placement, self.seed, self.start, is_known=False)

    def labels(self, name: str) -> npt.NDArray[np.object_]:
        """One column as state names, None where a value is missing, ``(n,)`` or ``(n, *event_shape)``.

        Raises ValueError for codes out of range, KeyError for an unknown name.
        """
        codes, variable = self[name], self._schema.variables[name]
        if not isinstance(variable, Discrete):
            raise ValueError(f"only discrete variables have labels, {name!r} is real")
        row = self._schema.rows[name]
        cells_in_range(self._blocks.codes[row : row + variable.size], name, variable)
        missing = missing_in(codes, variable.n_states)
        labels = np.array([*variable.states, None], dtype=object)
        return labels[codes if missing is None else np.where(missing, variable.n_states, codes)]

    def to_pandas(self) -> Any:
        """A pandas DataFrame of ordered categoricals and floats, all of them copies: it may be edited.

        Missing values are NaN. A vector ``x`` has columns ``x[0]``, ``x[1]``, ..., in C order, which every verb that
        takes frames reads as ``x``. Needs pandas. Raises ValueError for codes out of range.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.example("asia").sample(3, seed=0).to_pandas().shape
        (3, 8)
        """
        from .export import to_pandas

        return to_pandas(self._blocks, self._schema)

    def to_arrow(self) -> Any:
        """A pyarrow Table of ordered dictionary columns, Enums to polars, and of floats, which share codes and numbers.

        Missing states are null. A vector is a column of fixed-size lists of numbers or codes, flat in C order where it
        has several axes. Needs pyarrow. Raises ValueError for codes out of range.
        """
        from .export import to_arrow

        return to_arrow(self._blocks, self._schema)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __reduce__(self) -> tuple[object, ...]:
        return Samples.of, (self._blocks, self._schema, self.seed, self.start)  # read-only after unpickling too

    def __repr__(self) -> str:
        from ..runtime.text import printable

        n, n_vars = len(self), len(self.names)
        shown = self.names[:SHOWN_COLUMNS]
        rows = [shown, *self._shown_labels(shown, range(min(n, SHOWN_ROWS)))]
        cells = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        if n_vars > len(shown):
            lines[0] += "  ..."
        return "\n".join([self._headline(), *lines] + ["..."] * (n > SHOWN_ROWS))

    def _repr_html_(self) -> str:
        """Labels of the first and the last rows, all columns beside each other."""
        from ..show.rows import rows_html

        n, n_vars = len(self), len(self.names)
        numbers = [*range(min(n, SHOWN_ROWS)), *range(max(n - SHOWN_ROWS, SHOWN_ROWS), n)]
        shown = self.names[:SHOWN_HTML_COLUMNS]
        return rows_html(self._headline(), shown, numbers, self._shown_labels(shown, numbers), n_vars - len(shown))

    def _shown_labels(self, names: Sequence[str], rows: Sequence[int]) -> list[list[str]]:
        """Rows of labels; a bad code as its number, since what is shown should show what is wrong."""
        columns = [[self._shown(name, value) for value in self._column(name)[list(rows)]] for name in names]
        return list(map(list, zip(*columns, strict=True)))

    def _shown(self, name: str, value: Any) -> str:
        states = self._schema.states.get(name)
        if states is None or value.ndim:
            return f"{value:.4g}" if value.ndim == 0 else _shown_vector(value)
        if value == missing_code(value.dtype) >= len(states):
            return "missing"
        return states[value] if value < len(states) else f"code {value}"

    def _headline(self) -> str:
        n, n_vars = len(self), len(self.names)
        codes, reals = self._blocks
        kinds = [f"{codes.dtype} codes"] * bool(len(codes)) + [f"{reals.dtype} reals"] * bool(len(reals))
        head = f"Samples: {n} rows x {n_vars} variables, {' and '.join(kinds)}"
        if n_missing := self.n_missing:
            head += f", {n_missing} missing"
        if self.seed is not None:
            head += f", seed {self.seed}" + (f", start {self.start}" if self.start else "")
        return head


def column_of(values: Values, schema: Schema, name: str) -> npt.NDArray[Any]:
    """Codes or numbers of a variable (n,), or vectors (n, *event_shape)."""
    row, variable = schema.rows[name], schema.variables[name]
    block = values.codes if isinstance(variable, Discrete) else values.reals
    if not variable.event_shape:
        return block[row]
    cells = block[row : row + variable.size].T
    return cells if len(variable.event_shape) == 1 else cells.reshape(len(cells), *variable.event_shape)


def rows_of(values: Values, schema: Schema) -> npt.NDArray[Any]:
    """``(n_rows, n_cells)``, in the order of the variables: a view, a float64 copy where there are both kinds, in which
    missing codes are NaN."""
    if not schema.n_reals:
        return values.codes.T
    if not schema.n_codes:
        return values.reals.T
    cells = np.empty((schema.n_codes + schema.n_reals, values.codes.shape[1]))
    first = 0
    for name, row in schema.rows.items():
        size = schema.variables[name].size
        own = cells[first : first + size]
        own[:] = (values.reals if name in schema.sizes else values.codes)[row : row + size]
        if name in schema.states:
            missing = missing_in(values.codes[row : row + size], len(schema.states[name]))
            if missing is not None:
                own[missing] = np.nan
        first += size
    return cells.T


def _shown_vector(value: npt.NDArray[Any]) -> str:
    """Numbers or codes on one line, those of long vectors in part."""
    most = 3 if value.ndim == 1 else 1
    shown = np.array2string(value, precision=4, threshold=6, edgeitems=most, max_line_width=1000)
    return " ".join(shown.split())


def _check_block(block: object, n_vars: int) -> None:
    """What kernels rely on; they check the codes themselves."""
    if not isinstance(block, np.ndarray) or isinstance(block, np.ma.MaskedArray):
        raise TypeError(f"a block of codes is a NumPy array without a mask, got {type(block).__name__}")
    if block.dtype != np.uint8 and block.dtype != np.uint16:
        raise TypeError(f"a block of codes is of type uint8 or uint16, got {block.dtype}")
    if block.ndim != 2 or len(block) != n_vars:
        raise ValueError(f"a block of codes has shape (n_vars, n), here ({n_vars}, n), got shape {block.shape}")


def _row_index(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not rows.size:
        return rows.astype(np.intp)  # NumPy makes floats of an empty list
    if rows.dtype.kind not in "biu":
        raise TypeError(
            f"rows are picked by a mask or by row numbers, got values of type {rows.dtype}; "
            "columns are picked by name one at a time, as x['name']"
        )
    return rows
