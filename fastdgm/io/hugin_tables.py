"""The ``data`` of HUGIN potentials: parentheses that nest one level per parent, the child innermost, or one flat pair.

HUGIN saves tables as they were entered or counted, and normalises them when it compiles a network; where ``data``
is left out, all entries are 1. (Expressions in its place, ``model_data``, and attributes that are not known are
refused.) Rows are therefore divided by their sum, with a warning, in

* tables of whole numbers, such as counts or the ones of a new table, where at most a tenth of the rows sum to 1, and
* tables of which no row sums to 1 and some row has two entries above 1, such as percentages or expected counts.

Any other table is meant as probabilities: there a row that does not sum to 1 is a typing error and refused, like
rows without any entry above 0 everywhere. A tolerance of 0 refuses counts and weights, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .draft import Draft, Family
from .text import NO_DECIMAL_COMMA, Array, Source

_INNERMOST = re.compile(r"\(([^()]*+)\)")
_NOT_PARENTHESES = re.compile(r"[^()]+")
_PARENTHESES = str.maketrans("()", "  ")
# Attributes of a potential that say nothing about its distribution: how learning goes on, and what programs keep.
_BESIDE_THE_TABLE = re.compile(r"experience|fading|samples_per_interval|model_nodes|HR_\w+")


def data_of(source: Source, head: str, attributes: Mapping[str, re.Match[str]]) -> re.Match[str] | None:
    """The attribute ``data`` of a potential; None where it is left out, and nothing else can stand in its place.

    Raises
    ------
    FormatError : there is no ``data``, but an expression in ``model_data``, or an attribute that is not known.
    """
    if "data" in attributes:
        return attributes["data"]
    for key, attribute in attributes.items():
        position = attribute.end() - len(attribute[0].lstrip())
        if key == "model_data":
            raise source.error(f"not supported: model_data, expressions in place of the data of {head}", position)
        if not _BESIDE_THE_TABLE.fullmatch(key):
            raise source.error(f"the numbers of {head} stand in 'data', got an attribute {key[:50]!r} only", position)
    return None


def add_potential(draft: Draft, family: Family, data: re.Match[str] | None) -> None:
    """Give the draft the table in an attribute ``data``, or the uniform one where there is no such attribute."""
    if data is None:
        draft.add_uniform(family)
    else:
        draft.add_table(family, _entries(draft, family, data["value"], data.start("value")), weights=True)


def _entries(draft: Draft, family: Family, value: str, position: int) -> Array:
    """The numbers in ``value``, which stands at ``position`` of the file, if its parentheses are right."""
    nested = group = 1
    for k in family.shape[:-1]:
        group *= k
        nested += group
    opened, closed = value.count("("), value.count(")")
    flat = value.strip()
    if opened != closed or opened not in (1, nested) or flat[0] != "(" or flat[-1] != ")":
        raise draft.source.error(
            f"the data of {family.child!r} are nested in {nested} pairs of parentheses, one level per "
            f"parent, or in one pair, got {opened} opened and {closed} closed",
            position,
        )
    if opened > 1:
        _check_rows(draft, family, value, position)
        if _NOT_PARENTHESES.sub("", value) != _nesting(family):
            message = f"the data of {family.child!r} are nested one level per parent, the first one outermost"
            raise draft.source.error(message, position)
    return draft.source.numbers(value.translate(_PARENTHESES), position)


def _check_rows(draft: Draft, family: Family, value: str, position: int) -> None:
    """Every innermost pair of parentheses holds one row of the table."""
    for row, group in enumerate(_INNERMOST.finditer(value)):
        n_numbers = len(group[1].split(None, family.n_states))
        if n_numbers != family.n_states and row < family.n_rows:
            hint = f": {NO_DECIMAL_COMMA}" if "," in group[1] else ""
            raise draft.source.error(
                f"every row of the data of {family.child!r} has {family.n_states} numbers, row "
                f"{draft.row_name(family, row)} has {'more' if n_numbers > family.n_states else n_numbers}{hint}",
                position + group.start(),
            )


def _nesting(family: Family) -> str:
    """The parentheses of nested data."""
    nesting = "()"
    for k in reversed(family.shape[:-1]):
        nesting = f"({nesting * k})"
    return nesting
