"""Log-probabilities and draws that are no numbers, because finite parameters left the range of their float type on the
way: refused here, never passed on as NaN. (-inf is a log-probability: that of an impossible row.)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def refuse_undefined(
    log_prob: Array, terms_of: Callable[[int], Array], order: Array, dtype: np.dtype[Any], name: str = "log_prob"
) -> None:
    """ValueError that names the first row of ``log_prob``, (n,) or (n, n_vars), that is NaN or +inf, and the variable.

    ``terms_of(row)`` gives a row's terms (n_vars,), ``order`` the variable at each position.
    """
    defined = log_prob < np.inf
    if defined.all():
        return
    row = int(np.argmin(defined if log_prob.ndim == 1 else defined.all(axis=1)))
    raise undefined_score(row, terms_of(row) if log_prob.ndim == 1 else log_prob[row], order, dtype, name)


def undefined_score(row: int, terms: Array, order: Array, dtype: np.dtype[Any], name: str = "log_prob") -> ValueError:
    """The error for a row whose log-probability is NaN or +inf, by its terms (n_vars,)."""
    return ValueError(f"{name} of row {row} is not defined{_where(terms < np.inf, order)}; {_reason(dtype)}")


def undefined_draw(row: int, defined: Array, order: Array, dtype: np.dtype[Any], temperature: float) -> ValueError:
    """The error for a row that cannot be drawn; ``defined`` says of each variable whether its parameters are."""
    heat = "" if temperature == 1.0 else f", at temperature {temperature:g}"
    return ValueError(f"row {row} cannot be drawn{_where(defined, order)}{heat}; {_reason(dtype)}")


def _where(defined: Array, order: Array) -> str:
    """The first variable in the model's order that is not defined; what follows it only inherits that. (A masked
    network multiplies what it masks by 0, so an infinite hidden unit can show at a variable before those it is for.)"""
    positions = np.flatnonzero(~defined[order])
    return f", seen first at variable {order[positions[0]]}" if len(positions) else ""


def _reason(dtype: np.dtype[Any]) -> str:
    return f"the parameters are too large: what is computed from them leaves the range of {dtype}"


def undefined_real(row: int, start: int, drawn: Mapping[str, Array]) -> ValueError:
    """The error for a real variable that left the range of its type when it was drawn; ``drawn`` has the numbers of
    every variable from ``row`` on, in topological order."""
    finite = {name: np.isfinite(numbers) for name, numbers in drawn.items()}
    first = min((int(np.argmin(own)) for own in finite.values() if not own.all()), default=0)
    name = next((name for name, own in finite.items() if not own[first]), next(iter(drawn)))
    return ValueError(
        f"row {start + row + first} cannot be drawn, seen first at variable {name!r}; {_reason(drawn[name].dtype)}"
    )


def undefined_term(row: int, terms: Mapping[str, float], dtype: np.dtype[Any]) -> ValueError:
    """The error for a row whose log-probability is NaN or infinite; ``terms`` are its, in topological order."""
    name = next((name for name, term in terms.items() if not term < np.inf), next(iter(terms)))
    return ValueError(f"log_prob of row {row} is not defined, seen first at variable {name!r}; {_reason(dtype)}")
