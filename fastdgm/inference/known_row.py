"""Known values as one row of a network of any variables, and whether they are possible together."""

from __future__ import annotations

import numpy as np

from ..conditionals.base import Conditional
from ..conditionals.deterministic import Deterministic
from ..conditionals.gaussian import LinearGaussian
from ..data.evidence import Known
from ..data.partial import PartialRows
from ..data.schema import Schema, Values
from ..engines.hybrid import Program
from ..errors import ImpossibleEvidenceError
from ..runtime.text import preview
from .joint import Joint
from .joint_normal import chosen, rows_of
from .latent import Inference

ROUNDING = 8 * float(np.finfo(np.float32).eps)  # by which a known value may miss a function: it may be of a float32 row


def refuse_impossible_values(inference: Inference, known: Known, what: str) -> None:
    """ImpossibleEvidenceError where the network calls known values impossible; nothing where that has no closed form.

    Numbers that are functions of known values, of std 0, are compared with these but for a rounding.
    """
    network = inference.network
    row, points = one_row(known, network.schema), _known_functions(network, known)
    for name in points:
        _check_function(network, name, row.values, known)
    if points:  # as scoring computes them, to the last bit
        Program(network.conditionals, points).draw(row.values, 0, 0)
    if inference.are_impossible(row)[0]:
        names = [name for name in network.schema.names if name in known.names]
        raise ImpossibleEvidenceError(
            f"there is no {what}: the network calls the given values of {preview(names)} impossible together"
        )


def one_row(known: Known, schema: Schema) -> PartialRows:
    """Known values as a row in which all others are missing."""
    codes = np.zeros((schema.n_codes, 1), schema.code_dtype)
    reals = np.full((schema.n_reals, 1), np.nan)
    cells = {**{schema.rows[name]: code for name, code in known.codes.items()}, **known.cells}
    for row, code in cells.items():
        codes[row] = code
    for row, number in known.reals.items():
        reals[row] = number
    hidden = [row for row in range(schema.n_codes) if row not in cells]
    hidden += [schema.n_codes + row for row in range(schema.n_reals) if row not in known.reals]
    return PartialRows(Values(codes, reals), schema, dict.fromkeys(hidden))


def _known_functions(network: Joint, known: Known) -> list[str]:
    """The known real variables that are functions of known ones, parents first."""
    return [
        name
        for name in network.order
        if name in network.schema.sizes
        and known.names.issuperset((name, *network.parents[name]))
        and _is_function(network.conditionals[name], known)
    ]


def _is_function(own: Conditional, known: Known) -> bool:
    return isinstance(own, Deterministic) or (isinstance(own, LinearGaussian) and chosen(own, known.codes)[2] == 0.0)


def _check_function(network: Joint, name: str, given: Values, known: Known) -> None:
    """ImpossibleEvidenceError where a given value is not what its given parents make it."""
    row, values = network.schema.rows[name], Values(given.codes, given.reals.copy())
    Program(network.conditionals, [name]).draw(values, 0, 0)
    own, found = known.reals[row], float(values.reals[row, 0])
    if abs(own - found) > ROUNDING * (abs(found) + _size(network, name, known)):
        raise ImpossibleEvidenceError(
            f"given values must be possible: {name!r}, a function of its parents, is {found:.9g}, not {own:.9g}"
        )


def _size(network: Joint, name: str, known: Known) -> float:
    """The size of the terms that a function of known values sums up, of which its rounding is a share."""
    schema, own = network.schema, network.conditionals[name]
    parents = [known.reals[row] for parent in own.parents if parent in schema.sizes for row in rows_of(parent, schema)]
    if isinstance(own, LinearGaussian):
        intercept, coefficients, _ = chosen(own, known.codes)
        return abs(intercept) + float(np.abs(coefficients) @ np.abs(parents)) if parents else abs(intercept)
    return float(np.abs(parents).sum())
