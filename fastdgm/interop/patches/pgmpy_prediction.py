"""pgmpy's ``DiscreteBayesianNetwork.predict`` and ``predict_probability``, all rows in one call of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pgmpy.inference import VariableElimination
from pgmpy.models import DiscreteBayesianNetwork

from ...errors import ImpossibleEvidenceError
from .pgmpy_columns import coded
from .pgmpy_evidence import HEURISTICS
from .pgmpy_models import Twin, exactly_ours
from .replacement import NotOursError, Replacement, faster

Codes = npt.NDArray[np.int64]
MISSING = -1


def replacements() -> list[Replacement]:
    """Of the model's verbs."""
    return [
        faster(DiscreteBayesianNetwork, "predict", predict),
        faster(DiscreteBayesianNetwork, "predict_probability", predict_probability),
    ]


def predict(
    self: Any,
    data: Any,
    algo: Any = None,
    stochastic: bool = False,
    n_jobs: Any = -1,
    seed: Any = None,
    **kwargs: Any,
) -> Any:
    """``DiscreteBayesianNetwork.predict``: the most probable states of all that is missing in a row together, or a
    draw of them."""
    _check_options(algo, bool(stochastic), n_jobs, seed, kwargs)
    hidden = _hidden(self, data)
    twin = exactly_ours(self)
    known = _known(twin, data)
    try:
        rows = twin.net.impute(known, how="sample" if stochastic else "mpe", seed=seed)
    except ValueError as error:
        raise _not_ours(error) from None
    filled = {name: _filled(data[name], own < 0, rows[name], twin.states[name]) for name, own in known.items()}
    predicted = {name: _states(rows[name], twin.states[name]) for name in hidden}
    # In pgmpy's way, so that indexes become what they become there.
    found = pd.DataFrame({**filled, **predicted}, columns=[*data.columns, *hidden])
    found.index = data.index.tolist()
    return pd.concat([pd.DataFrame(), found]).sort_index()


def predict_probability(self: Any, data: Any) -> Any:
    """``DiscreteBayesianNetwork.predict_probability``: P(state | the row) of every state of every variable that is no
    column."""
    hidden = _hidden(self, data)
    twin = exactly_ours(self)
    known = _known(twin, data)
    if any((own < 0).any() for own in known.values()):
        raise NotOursError  # refused, or not looked at where it has no bearing
    try:
        found = twin.net.marginals(known)
    except ValueError as error:
        raise _not_ours(error) from None
    columns = [(f"{name}_{state}", found[name][:, k]) for name in hidden for k, state in enumerate(twin.states[name])]
    if len(dict(columns)) < len(columns):
        raise NotOursError("columns of one name")
    return pd.DataFrame(dict(columns), index=data.index)


def _check_options(algo: Any, stochastic: bool, n_jobs: Any, seed: Any, options: Mapping[str, Any]) -> None:
    """NotOursError for what changes answers, or what pgmpy refuses; threads are ours."""
    if not (algo is None or algo is VariableElimination):
        raise NotOursError(f"algo={getattr(algo, '__name__', algo)}")
    orders = (*HEURISTICS, "greedy") if stochastic else HEURISTICS
    order = options.get("elimination_order", "minfill")
    is_plain = options.keys() <= {"elimination_order"} | ({"joint"} if stochastic else set())
    if not is_plain or options.get("joint", True) is not True:
        raise NotOursError(f"the options {', '.join(options)}")
    if not (order is None or (isinstance(order, str) and (order == "greedy" or order.lower() in orders))):
        raise NotOursError("elimination_order= that is no name")
    if order == "greedy" and not stochastic:
        raise NotOursError  # of map_query, which has none of that name
    if not (n_jobs is None or (isinstance(n_jobs, (int, np.integer)) and n_jobs != 0)):
        raise NotOursError
    if not (seed is None or (isinstance(seed, (int, np.integer)) and 0 <= seed < 1 << 64)):
        raise NotOursError("seed= that is no int")


def _hidden(model: Any, data: Any) -> list[str]:
    """The variables that are no columns, in pgmpy's order: that of a set which is made as it makes it."""
    if not isinstance(data, pd.DataFrame) or not data.size or not data.columns.is_unique:
        raise NotOursError
    nodes, columns = set(model.nodes()), set(data.columns)
    if nodes <= columns or columns - nodes:
        raise NotOursError
    return list(nodes - columns)


def _known(twin: Twin, data: Any) -> dict[str, Codes]:
    """Codes of every column, -1 where missing."""
    return {name: coded(data[name]).places(twin.states[name], MISSING) for name in data.columns}


def _states(codes: npt.NDArray[Any], states: Sequence[Any], dtype: Any = None) -> Any:
    """A column of states; without a type of the one that pandas gives those that occur."""
    occurs = np.bincount(codes, minlength=len(states)) > 0
    used = pd.Series([state for state, own in zip(states, occurs, strict=True) if own], dtype=dtype)
    return used.array.take((np.cumsum(occurs) - 1)[codes])


def _filled(column: Any, missing: npt.NDArray[np.bool_], codes: npt.NDArray[Any], states: Sequence[Any]) -> Any:
    """The column with states where it has none, of the type that pandas gives both together."""
    column = column.infer_objects()
    if not missing.any():
        return column.array
    new = pd.Series(_states(codes[missing], states))
    if missing.all():
        return new.array
    dtype = pd.concat([column.iloc[[missing.argmin()]], new.iloc[:1]]).dtype
    if not pd.api.types.is_object_dtype(dtype):
        return _states(codes, states, dtype)
    values = column.to_numpy(object, copy=True)  # states may be equal and yet differ, as 1 and True do
    values[missing] = new.to_numpy(object)
    return values


def _not_ours(error: ValueError) -> NotOursError:
    if isinstance(error, ImpossibleEvidenceError):
        return NotOursError("rows of probability 0")
    return NotOursError(str(error))
