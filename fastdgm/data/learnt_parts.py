"""Variables that nobody declared, learnt from a table in parts, each of which says a little and is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..runtime.text import preview
from .column_pieces import column_pieces
from .columns import matched_columns, table_columns
from .labels import Codes, Labels, Piece, check_distinct
from .learnt_variables import check_complete, code_range, has_fractions, inferred, refuse_undeclared_vectors
from .variables import Real, Variable
from .vectors import sizes_of_vectors

_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_LABELS, _ORDERED, _NUMBERS = "labels", "ordered categories", "numbers"


class Seen(NamedTuple):
    """What parts of a column say of its variable. Parts are told by what errors call them."""

    size: int | None = None  # of a vector of numbers
    kinds: Mapping[str, str] = _NOTHING  # of values that there are, and the first part that has them
    labels: Mapping[str, object] = _NOTHING  # by name, as they came, in types without an order
    orders: Mapping[tuple[object, ...], str] = _NOTHING  # of ordered types, and the first part that has each
    codes: tuple[int, int] | None = None  # the smallest and the largest
    is_fractional: bool = False  # some number is
    is_float: bool = False  # some numbers are floats
    problem: ValueError | None = None  # why whole numbers are no codes


def seen_in(data: Any, known: Mapping[str, Variable], names: Iterable[str], part: str) -> dict[str, Seen]:
    """What a part of a table says of the variables that nobody declared; ``part`` is what errors call it.

    Raises as ``infer_variables``, but for what depends on the other parts.

    Examples
    --------
    >>> first = seen_in({"a": ["yes", "no"], "b": [1, 1]}, {}, ["a", "b"], "part 0")
    >>> second = seen_in({"a": ["no", "never"], "b": [0, 0]}, {}, ["a", "b"], "part 1")
    >>> {name: own.states for name, own in variables_seen(seen_together(first, second), {}, ["a", "b"]).items()}
    {'a': ('never', 'no', 'yes'), 'b': ('0', '1')}
    """
    names = tuple(names)
    vectors = {name: own.event_shape for name, own in known.items() if own.event_shape}
    unknown = [name for name in names if name not in known]
    table = table_columns(data, names)
    refuse_undeclared_vectors(table, unknown)
    sizes = sizes_of_vectors(table, unknown)
    columns, _ = matched_columns(data, names, vectors | {name: (size,) for name, size in sizes.items()})
    return {name: Seen(sizes[name]) if name in sizes else _seen(name, columns[name], part) for name in unknown}


def seen_together(first: Mapping[str, Seen], second: Mapping[str, Seen]) -> dict[str, Seen]:
    """What two parts say, the first of which comes before the second."""
    return {name: _both(name, own, second[name]) for name, own in first.items()}


def variables_seen(
    seen: Mapping[str, Seen], known: Mapping[str, Variable], names: Iterable[str]
) -> dict[str, Variable]:
    """All variables: those known, and for the others what all parts together say, as ``infer_variables`` does.

    Raises ValueError that names two parts which contradict each other, and what ``infer_variables`` raises.
    """
    return {name: known[name] if name in known else _variable(name, seen[name]) for name in names}


def _seen(name: str, column: Any, part: str) -> Seen:
    found, row = Seen(), 0
    for piece in column_pieces(name, column):
        if len(piece) or isinstance(piece, Labels):
            found = _both(name, found, _seen_in_piece(name, piece, row, part))
        row += len(piece)
    return found


def _seen_in_piece(name: str, piece: Piece, first_row: int, part: str) -> Seen:
    if isinstance(piece, Labels):
        check_complete(name, piece, first_row)
        check_distinct(name, piece.labels)
        if not piece.labels:
            return Seen()
        if piece.ordered:
            return Seen(kinds={_ORDERED: part}, orders={tuple(piece.labels): part})
        return Seen(kinds={_LABELS: part}, labels={str(own): own for own in piece.labels if own is not None})
    kinds, is_float = {_NUMBERS: part}, piece.values.dtype.kind == "f"
    if has_fractions(piece):
        return Seen(kinds=kinds, is_fractional=True, is_float=True)
    try:
        smallest, largest = code_range(name, piece, first_row)
    except ValueError as error:  # unless fractions elsewhere make them real numbers
        return Seen(kinds=kinds, is_float=is_float, problem=type(error)(f"{part}: {error}"))
    return Seen(kinds=kinds, codes=(smallest, largest), is_float=is_float)


def _both(name: str, first: Seen, second: Seen) -> Seen:
    if first.labels and second.labels:
        check_distinct(name, [*first.labels.values(), *second.labels.values()])
    codes = [own.codes for own in (first, second) if own.codes is not None]
    return Seen(
        first.size,
        {**first.kinds, **second.kinds, **first.kinds},  # the first part that has one
        {**first.labels, **second.labels},
        {**first.orders, **second.orders, **first.orders},
        (min(low for low, _ in codes), max(high for _, high in codes)) if codes else None,
        first.is_fractional or second.is_fractional,
        first.is_float or second.is_float,
        first.problem or second.problem,
    )


def _variable(name: str, seen: Seen) -> Variable:
    if seen.size is not None:
        return Real((seen.size,))
    if len(seen.kinds) > 1:
        (first, here), (second, there) = list(seen.kinds.items())[:2]
        raise ValueError(
            f"values of a column are of one kind: those of {name!r} are {first} in {here}, {second} in {there}: name "
            "the states, as in from_edges(..., states=...), or make them alike with astype"
        )
    if seen.problem is not None and not seen.is_fractional:
        raise seen.problem
    return inferred(name, list(_pieces(name, seen)))


def _pieces(name: str, seen: Seen) -> Iterable[Piece]:
    """A short column that says the same."""
    none = np.empty(0, np.int8)
    if seen.orders:
        yield Labels(none, _longest_order(name, seen.orders), ordered=True)
    if seen.labels:
        yield Labels(none, list(seen.labels.values()), ordered=False)
    if seen.is_fractional:
        yield Codes(np.array([0.5]))
    elif seen.codes is not None:
        yield Codes(np.array(seen.codes))


def _longest_order(name: str, orders: Mapping[tuple[object, ...], str]) -> tuple[object, ...]:
    """The order that all others are parts of. ValueError, naming two parts, where there is none."""
    longest = max(orders, key=len)
    for own, part in orders.items():
        if tuple(label for label in longest if label in own) != own:
            raise ValueError(
                f"the order of categories is the same in all parts of a column: those of {name!r} are "
                f"{preview(list(map(str, longest)))} in {orders[longest]}, {preview(list(map(str, own)))} in {part}: "
                "name the states, as in from_edges(..., states=...)"
            )
    return longest
