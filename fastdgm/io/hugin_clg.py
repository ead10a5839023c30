"""The continuous nodes of HUGIN .net: conditional linear Gaussians.

::

    continuous node height { }
    potential ( height | sex mother ) { data = ( normal ( 80 + 0.5 * mother, 25 ) normal ( 90 + 0.5 * mother, 36 ) ); }

``data`` is one ``normal ( mean, variance )``, or a list of them that nests one level per discrete parent, the first one
outermost. A mean is a sum of numbers and of real parents, each with a factor; a parent that a mean leaves out has the
coefficient 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..conditionals.gaussian import LinearGaussian
from .draft import Draft, GaussianFamily
from .gaussian_nets import parameters_of, variances_of
from .text import NO_DECIMAL_COMMA, Array, Source, number_of

_NORMAL = re.compile(r"normal\s*+\(([^()]*+)\)")
_PLACE = "N"  # of a normal in the parentheses around it
_BLANKS = re.compile(r"\s+")
_WORD = r"(?:(?:\d++\.?\d*+|\.\d++)[eE][-+]?\d++(?![^\s*+-])|[^\s*+-]++)"  # the minus of 1e-3 is no operator
_TERM = re.compile(rf"\s*+(?P<sign>[-+]?)\s*+(?P<left>{_WORD})\s*+(?:\*\s*+(?P<right>{_WORD})\s*+)?")
_REAL_PARENT_NAME = re.compile(r"[^*+-]+")


def add_regressions(draft: Draft, family: GaussianFamily, data: re.Match[str] | None) -> None:
    """Give the draft the regressions in an attribute ``data`` of the potential of a continuous node.

    Raises
    ------
    FormatError : no ``data``, another nesting than the discrete parents say, a mean that is no sum of numbers and real
        parents, a variance that is no number from 0 on.
    """
    child = family.child
    if data is None:
        raise draft.source.error(f"the potential of the continuous node {child!r} has no data", family.position)
    value, position = data["value"], data.start("value")
    _check_nesting(draft.source, family, value, position)
    n_parents = len(family.real_parents)
    draft.check_filled("continuous nodes", family, position)
    intercept, variance = np.empty(family.n_rows), np.empty(family.n_rows)
    coefficients = np.zeros((family.n_rows, n_parents))
    column = {name: j for j, name in enumerate(family.real_parents)}
    for row, normal in enumerate(_NORMAL.finditer(value)):
        mean, comma, rest = normal[1].rpartition(",")
        at = position + normal.start(1)
        if not comma or "," in mean:
            hint = f": {NO_DECIMAL_COMMA}" if "," in mean else ""
            message = f"expected normal ( mean, variance ) in the data of {child!r}, got {normal[0][:60]!r}{hint}"
            raise draft.source.error(message, at)
        intercept[row] = _add_mean(draft.source, child, mean, at, column, coefficients[row])
        variance[row] = _variance(draft.source, child, rest, at + len(mean) + 1)
    draft.add_gaussian(family, intercept, coefficients, np.sqrt(variance))


def _check_nesting(source: Source, family: GaussianFamily, value: str, position: int) -> None:
    """One normal for each configuration of the discrete parents, in parentheses that nest as they do."""
    skeleton, n_normals = _NORMAL.subn(_PLACE, value)
    if n_normals != family.n_rows:
        raise source.error(
            f"the data of {family.child!r} have {family.n_rows} normal ( mean, variance ), one for each configuration "
            f"of the discrete parents, got {n_normals}",
            position,
        )
    nesting = _PLACE
    for k in reversed(family.shape):
        nesting = f"({nesting * k})"
    if _BLANKS.sub("", skeleton) != nesting:
        raise source.error(
            f"the data of {family.child!r} are normal ( mean, variance ), in parentheses that nest one level per "
            "discrete parent, the first one outermost",
            position,
        )


def _add_mean(source: Source, child: str, text: str, position: int, column: dict[str, int], row: Array) -> float:
    """The intercept of a mean; its coefficients are added to ``row``."""
    intercept, end = 0.0, 0
    while end < len(text) or not end:
        term = _TERM.match(text, end)
        number, name = _term(term, column) if term and (term["sign"] or not end) else (None, "")
        if term is None or number is None:
            raise source.error(
                f"a mean is a sum of numbers and of real parents times numbers, as 1.5 + 2 * x; the real parents of "
                f"{child!r} are {list(column)[:10]}, got {text[end : end + 30].strip()!r}",
                position + end,
            )
        signed = -number if term["sign"] == "-" else number
        if name:
            row[column[name]] += signed
        else:
            intercept += signed
        end = term.end()
    return intercept


def _term(term: re.Match[str], column: dict[str, int]) -> tuple[float | None, str]:
    """The number of a term, None where it has none, and its real parent, "" where it has none.

    A name may read as a number: right of an asterisk a word is a name where it can be, alone it is a number.
    """
    left, right = term["left"], term["right"]
    if right is None:
        alone = number_of(left)
        return (1.0, left) if alone is None and left in column else (alone, "")
    if right in column:
        return number_of(left), right
    return (number_of(right), left) if left in column else (None, "")


def _variance(source: Source, child: str, text: str, position: int) -> float:
    variance = number_of(text.strip())
    if variance is None or variance < 0.0:
        message = f"a variance is a number from 0 on, {child!r} has {text.strip()[:30]!r}"
        raise source.error(message, position)
    return variance


def regressions(name: str, own: LinearGaussian) -> str:
    """What stands in ``data`` for the conditional of variable ``name`` of a network.

    Raises ValueError for names of real parents that a mean cannot hold, and for standard deviations whose squares do
    not say what they are.
    """
    parents = own.real_parents or ()
    for parent in parents:
        if not _REAL_PARENT_NAME.fullmatch(parent):
            raise ValueError(f"HUGIN .net cannot hold the name {parent!r} of a real parent: *, + and - are operators")
    parameters = parameters_of(name, own)
    intercepts = parameters.intercept.reshape(-1).tolist()
    coefficients = parameters.coefficients.reshape(len(intercepts), len(parents)).tolist()
    variances = variances_of(parameters.std, "a HUGIN .net file", name).reshape(-1).tolist()
    groups = [
        f"normal ( {_mean(intercept, row, parents)}, {variance!r} )"
        for intercept, row, variance in zip(intercepts, coefficients, variances, strict=True)
    ]
    for k in reversed(parameters.intercept.shape):
        groups = [f"( {' '.join(groups[i : i + k])} )" for i in range(0, len(groups), k)]
    return groups[0]


def _mean(intercept: float, coefficients: Sequence[float], parents: Sequence[str]) -> str:
    terms = [f"{'-' if c < 0 else '+'} {abs(c)!r} * {parent}" for c, parent in zip(coefficients, parents, strict=True)]
    return " ".join([repr(intercept), *terms])
