"""How conditionals with weighted sums of their parents look: linear Gaussians, logistic and softmax, noisy-or."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Variable
from ..runtime.text import printable
from .listing import MAX_COLUMNS, MAX_ROWS, Listing, count
from .shown import LinearGaussianLike, LogLinearLike, NoisyOrLike

Numbers = npt.NDArray[np.float64]
MAX_TERMS = 8  # of a sum


def gaussian_listing(own: LinearGaussianLike, intercept: Numbers, coefficients: Numbers, std: Numbers) -> Listing:
    """A normal distribution for each configuration of the discrete parents: ``N(1 + 2 a, 0.5^2)``."""
    discrete = own.discrete_parents or ()
    n = intercept.size
    shown = min(n, MAX_ROWS)
    columns = _columns_of_reals(own.real_parents or (), coefficients.shape[-1])
    slopes = coefficients.reshape(n, len(columns))[:shown].tolist()
    normals = [
        f"N({_sum(mean, row, columns)}, {deviation:.4g}^2)"
        for mean, row, deviation in zip(
            intercept.reshape(-1)[:shown].tolist(), slopes, std.reshape(-1)[:shown].tolist(), strict=True
        )
    ]
    states = _configurations(own.parent_states or (), shown)
    header = [*map(printable, discrete), "distribution"] if discrete else []
    rows = [[*labels, normal] for labels, normal in zip(states, normals, strict=True)]
    return Listing(_headline(own, count(own.n_parameters, "parameter")), header, rows, len(discrete), n - shown)


def weights_listing(own: LogLinearLike, weights: Numbers, bias: Numbers, parents: Sequence[Variable]) -> Listing:
    """The logit of every state as a sum: bias, then a line for each column of the parents.

    ``weights`` are ``(n_states, n_columns)`` and ``bias`` ``(n_states,)``; of a yes/no variable, those of its second
    state alone.
    """
    states = own.states[-len(bias) :][:MAX_COLUMNS]
    more = ["..."] if len(bias) > MAX_COLUMNS else []
    columns = _columns(own.parents, parents, MAX_ROWS - 1)
    table = np.concatenate([bias[:, None], weights[:, : len(columns)]], axis=1)[: len(states)].T.tolist()
    names = ["(bias)", *columns]
    rows = [[name, *(f"{w:.4g}" for w in row), *more] for name, row in zip(names, table, strict=True)]
    size = f"{count(len(own.states), 'state')}, {count(own.n_parameters, 'parameter')}"
    header = ["logit", *map(printable, states), *more]
    return Listing(_headline(own, size), header, rows, 1, weights.shape[1] - len(columns))


def noisy_or_listing(own: NoisyOrLike, probabilities: Numbers) -> Listing:
    """The probability with which each cause alone brings the effect about."""
    causes = own.parents[: MAX_ROWS - 1]
    rows = [["(leak)", f"{own.leak:.4g}"]]
    rows += [[printable(cause), f"{p:.4g}"] for cause, p in zip(causes, probabilities.tolist(), strict=False)]
    headline = _headline(own, count(own.n_parameters, "parameter"))
    return Listing(headline, ["cause", "probability"], rows, 1, len(own.parents) - len(causes))


def _headline(own: LinearGaussianLike | LogLinearLike | NoisyOrLike, size: str) -> str:
    shown = [printable(parent) for parent in own.parents[:MAX_COLUMNS]]
    more = [f"... {len(own.parents) - len(shown)} more"] if len(own.parents) > len(shown) else []
    given = f" given {', '.join([*shown, *more])}" if own.parents else ""
    return f"{type(own).__name__}{given}: {size}"


def _sum(constant: float, factors: Sequence[float], names: Sequence[str]) -> str:
    """``1 + 2 a - b``: terms of factor 0 are left out, and a constant 0 beside others."""
    terms = [(factor, name) for factor, name in zip(factors, names, strict=True) if factor]
    text = f"{constant:.4g}" if constant or not terms else ""
    for factor, name in terms[:MAX_TERMS]:
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += sign + ("" if abs(factor) == 1.0 else f"{abs(factor):.4g} ") + name
    return text + (f" + ... {len(terms) - MAX_TERMS} more" if len(terms) > MAX_TERMS else "")


def _configurations(states: Sequence[Sequence[str]], n_rows: int) -> list[list[str]]:
    """The states of the discrete parents in each of the first rows."""
    rows = product(*([printable(state) for state in own] for own in states))
    return [list(row) for row, _ in zip(rows, range(n_rows), strict=False)]


def _columns_of_reals(parents: Sequence[str], n_columns: int) -> list[str]:
    """Names of coefficients; those of vectors are numbered."""
    if len(parents) == n_columns:
        return [printable(parent) for parent in parents]
    name = printable(parents[0]) if len(parents) == 1 else ""
    return [f"{name}[{j}]" for j in range(n_columns)]


def _columns(parents: Sequence[str], variables: Sequence[Variable], limit: int) -> list[str]:
    """Names of the first weights: a state but the first of a discrete parent, a real one, a number of a vector."""
    columns: list[str] = []
    for parent, variable in zip(parents, variables, strict=True):
        name = printable(parent)
        if isinstance(variable, Discrete):
            columns += [f"{name} = {printable(state)}" for state in variable.states[1:]]
        elif variable.event_shape:
            columns += [f"{name}[{j}]" for j in range(min(variable.size, limit))]
        else:
            columns.append(name)
        if len(columns) >= limit:
            break
    return columns[:limit]
