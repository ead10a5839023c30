"""Frames of numbers (pandas, polars, Arrow, Samples, mappings of columns): their names, their values as a matrix."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.text import preview
from .column_pieces import column_pieces, kinds_of
from .columns import column_length, named_columns, without_index_columns
from .labels import Labels, Piece, missing_value
from .samples import Samples

Array = npt.NDArray[Any]


def is_frame(x: Any) -> bool:
    """Whether x has columns: a mapping, or rows and columns that have names."""
    if isinstance(x, Samples | Mapping):
        return True
    return len(getattr(x, "shape", ())) == 2 and (hasattr(x, "columns") or hasattr(x, "column_names"))


def column_names(x: Any) -> tuple[str, ...] | None:
    """Names of the columns of a frame; None where they are no distinct strings, and of anything else."""
    return distinct_names(_raw_names(without_index_columns(x))) if is_frame(x) else None


def distinct_names(names: Iterable[Any]) -> tuple[str, ...] | None:
    """The names; None where they are no distinct strings."""
    names = tuple(names)
    return names if all(isinstance(name, str) for name in names) and len(set(names)) == len(names) else None


def checked_names(names: Any, n_vars: int | None) -> tuple[str, ...] | None:
    """Names of columns out of a file: None, or a list of ``n_vars`` different strings."""
    if names is None:
        return None
    if type(names) is not list or not all(type(name) is str for name in names):
        raise TypeError(f"columns must be a list of strings, got {names!r:.60}")
    if len(names) != n_vars or len(set(names)) != n_vars:
        raise ValueError(f"columns must be {n_vars} different names, got {len(set(names))}")
    return tuple(names)


def matched_positions(x: Any, names: tuple[str, ...] | None, what: str) -> list[int] | None:
    """Where the columns ``names`` are in a frame without index; None where either has no names: columns then go by
    position.

    Raises ValueError that lists the columns which are missing or too many.
    """
    if names is None:
        return None
    own = distinct_names(_raw_names(x))
    if own is None:
        _refuse_repeated(x, what)
    if own is None or own == names:
        return None
    position = {name: i for i, name in enumerate(own)}
    absent = [name for name in names if name not in position]
    odd = list(set(own).difference(names))
    if absent or odd:
        found = [f"missing {preview(absent)}"] if absent else []
        found += [f"too many {preview(sorted(odd))}"] if odd else []
        raise ValueError(
            f"{what} must have the columns of the data of fit, which are matched by name: {', '.join(found)}; "
            "arrays go by position"
        )
    return [position[name] for name in names]


def frame_matrix(frame: Any, what: str) -> Array:
    """The numbers of a frame without index, (n_rows, n_columns): booleans, integers, floats, and categories that are
    such; Samples as codes.

    Raises MissingValuesError for null and NA with row and column (NaN in floats stays), TypeError for other values.
    """
    if isinstance(frame, Samples):
        return np.asarray(frame)
    if _is_plain(frame):
        return np.asarray(frame)
    columns = list(named_columns(frame))
    lengths = {name: column_length(name, column) for name, column in columns}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of {what} are equally long, got {lengths!s:.200}")
    if not columns:
        return np.empty((0, 0), np.uint8)
    return np.stack([_numbers(name, column, what, len(columns) == 1) for name, column in columns], axis=1)


def _refuse_repeated(frame: Any, what: str) -> None:
    names = _raw_names(frame)
    twice = next((name for i, name in enumerate(names) if isinstance(name, str) and name in names[:i]), None)
    if twice is not None:
        raise ValueError(f"{what} must have distinct columns, to be matched by name, got {twice!r} twice")


def _raw_names(frame: Any) -> Sequence[Any]:
    if isinstance(frame, Samples):
        return frame.schema.cell_names
    if isinstance(frame, Mapping):
        return list(frame)
    names = getattr(frame, "column_names", None)
    return list(frame.columns if names is None else names)


def _is_plain(frame: Any) -> bool:
    """Whether the library makes a matrix of numbers of it, without objects and without nulls as NaN."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        kinds = {dtype.kind if isinstance(dtype, np.dtype) else "O" for dtype in frame.dtypes}
        return kinds <= set("iuf") or kinds == {"b"}
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(frame, polars.DataFrame):
        plain = all(kind.is_integer() or kind.is_float() or kind == polars.Boolean for kind in frame.dtypes)
        return plain and not any(column.null_count() for column in frame.iter_columns())
    return not (isinstance(frame, Mapping) or hasattr(frame, "__arrow_c_stream__"))  # of who knows which library


def _numbers(name: Any, column: Any, what: str, alone: bool) -> Array:
    """A column's values as one array."""
    parts = list(_numbers_of_pieces(name, column_pieces(name, column), what, alone))
    if not parts:
        return np.empty(0, np.uint8)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _numbers_of_pieces(name: Any, pieces: Iterator[Piece], what: str, alone: bool) -> Iterator[Array]:
    row = 0
    for piece in pieces:
        yield _numbers_of_labels(name, piece, row, what, alone) if isinstance(piece, Labels) else piece.values
        row += len(piece)


def _numbers_of_labels(name: Any, piece: Labels, first_row: int, what: str, alone: bool) -> Array:
    """The values of booleans and of categories that are numbers; labels of any other kind are no numbers."""
    labels = list(piece.labels)
    kinds = kinds_of(labels) - {"missing"}
    if len(piece) and not (kinds <= {"integer", "float"} or kinds <= {"boolean"}):
        names = list(map(str, labels))
        fix = "int)" if all(map(str.isdecimal, names)) else '"category").cat.codes'
        column = f"; a column of sequences goes in alone, as {what}[{name!r}]" if alone else ""
        raise TypeError(
            f"{what} must hold numbers, column {name!r} holds the labels {preview(names, 5)}: pass codes, as pandas' "
            f"column.astype({fix} makes them{column}"
        )
    values = piece.values.astype(np.int64)
    is_missing = np.array([label is None for label in labels] + [True])  # the last: of index -1
    if len(values) and not (values.min() >= -1 and values.max() < len(labels)):
        raise ValueError(f"column {name!r} is damaged: it refers to label {values.max()} of {len(labels)}")
    if is_missing[values].any():
        raise missing_value(name, first_row + int(is_missing[values].argmax()))
    known = np.array([0 if label is None else label for label in labels] or [0])
    return known[values]
