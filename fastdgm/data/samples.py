"""Samples: rows drawn from a network, kept by column, that also behave as an array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.text import preview
from .labels import Column, codes_in_range

SHOWN_ROWS, SHOWN_COLUMNS = 5, 6  # of a repr
SHOWN_HTML_COLUMNS = 200  # beside each other, to scroll through; the rows are the first and the last five


class Samples:
    """Rows of codes by column: ``x["wet"]`` is a column, ``x[a:b]`` rows, ``np.asarray(x)`` is ``(n, n_vars)``.

    ``len(x)`` is the number of rows; ``x[:, :k]`` is a plain array. Columns are read-only views of one
    ``(n_vars, n)`` block of unsigned codes, so nothing is copied on the way to NumPy, and the label-keeping
    ``__arrow_c_stream__`` (polars, pyarrow, DuckDB) reuses the codes; ``to_pandas()`` copies them.

    Parameters
    ----------
    block : ``(n_vars, n)`` codes, uint8 or uint16, in the order of ``states``; made read-only, not copied.
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
        block.flags.writeable = False
        self._block = block
        self._states = {name: tuple(labels) for name, labels in states.items()}
        self._position = {name: i for i, name in enumerate(self._states)}
        self.seed = seed
        self.start = start

    @property
    def block(self) -> npt.NDArray[Any]:
        """The codes as the kernels see them: ``(n_vars, n)``, read-only."""
        return self._block

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in column order."""
        return tuple(self._states)

    @property
    def states(self) -> Mapping[str, tuple[str, ...]]:
        """State names of every variable; code k is the k-th name."""
        return MappingProxyType(self._states)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_rows, n_vars)``."""
        return self._block.shape[1], self._block.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the codes: uint8, or uint16 if a variable has more than 256 states."""
        return self._block.dtype

    def __len__(self) -> int:
        return int(self._block.shape[1])

    def keys(self) -> Sequence[str]:
        """Column names."""
        return self.names

    def values(self) -> Iterator[npt.NDArray[Any]]:
        """Columns of codes."""
        return iter(self._block)

    def items(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """(name, column of codes) pairs."""
        return zip(self._states, self._block, strict=True)

    def __contains__(self, name: object) -> bool:
        return name in self._position

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """Iterate over rows, as an array does."""
        return iter(self._block.T)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._position:
                raise UnknownNameError(f"no variable {key!r}; the samples have {preview(self.names)}")
            return self._block[self._position[key]]
        if isinstance(key, slice):
            first, _, step = key.indices(len(self))
            start = self.start + first if self.start is not None and step == 1 else None
            return Samples(self._block[:, key], self._states, self.seed, start)
        if np.ma.is_masked(key):
            raise ValueError("rows are picked by a mask or by row numbers without missing entries, got a masked array")
        if isinstance(key, list) or hasattr(key, "__array__"):  # a Series picks rows as an array does
            rows = np.asarray(key)
            if rows.ndim == 1:
                return Samples(self._block[:, _row_index(rows)], self._states, self.seed)
        return self._block.T[key]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self._block.T, dtype=dtype, copy=copy)

    def labels(self, name: str) -> npt.NDArray[np.object_]:
        """One column as state names. Raises ValueError for codes out of range, KeyError for an unknown name."""
        codes = self[name]
        return np.array(self._states[name], dtype=object)[codes_in_range(codes, Column(name, self._states[name]))]

    def to_pandas(self) -> Any:
        """A pandas DataFrame of ordered categoricals, with a copy of the codes: it may be edited.

        Needs pandas. Raises ValueError for codes out of range.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.example("asia").sample(3, seed=0).to_pandas().shape
        (3, 8)
        """
        from .export import to_pandas

        return to_pandas(self._block, self._states)

    def to_arrow(self) -> Any:
        """A pyarrow Table of ordered dictionary columns that share the codes, Enums to polars.

        Needs pyarrow. Raises ValueError for codes out of range.
        """
        from .export import to_arrow

        return to_arrow(self._block, self._states)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __reduce__(self) -> tuple[object, ...]:
        return Samples, (self._block, self._states, self.seed, self.start)  # read-only after unpickling too

    def __repr__(self) -> str:
        from ..runtime.text import printable

        n, n_vars = self.shape
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

        n, n_vars = self.shape
        numbers = [*range(min(n, SHOWN_ROWS)), *range(max(n - SHOWN_ROWS, SHOWN_ROWS), n)]
        shown = self.names[:SHOWN_HTML_COLUMNS]
        return rows_html(self._headline(), shown, numbers, self._shown_labels(shown, numbers), n_vars - len(shown))

    def _shown_labels(self, names: Sequence[str], rows: Sequence[int]) -> list[list[str]]:
        """Rows of labels; a bad code as its number, since what is shown should show what is wrong."""
        states = [self._states[name] for name in names]
        return [
            [own[code] if code < len(own) else f"code {code}" for own, code in zip(states, row, strict=True)]
            for row in self._block[: len(names), rows].T.tolist()
        ]

    def _headline(self) -> str:
        n, n_vars = self.shape
        head = f"Samples: {n} rows x {n_vars} variables, {self.dtype} codes"
        if self.seed is not None:
            head += f", seed {self.seed}" + (f", start {self.start}" if self.start else "")
        return head


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
