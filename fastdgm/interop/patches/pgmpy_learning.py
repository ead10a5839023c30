"""Learning pgmpy's tables: states and counts by our loops; the rules for priors, weights and bad input are pgmpy's.

``DiscreteBayesianNetwork.fit`` runs the estimators that are replaced here.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from pgmpy.factors.discrete import TabularCPD
from pgmpy.parameter_estimator import DiscreteBayesianEstimator, DiscreteMLE

from .pgmpy_columns import coded
from .pgmpy_counts import Array, States, family_counts
from .replacement import NotOursError, Replacement, faster


def replacements() -> list[Replacement]:
    """Of both estimators, and what the older pair of ``pgmpy.estimators`` counts by."""
    older, newer = (import_module(f"pgmpy.{package}.base") for package in ("estimators", "parameter_estimator"))
    return [
        faster(DiscreteMLE, "fit", fit_most_likely),
        faster(DiscreteBayesianEstimator, "fit", fit_bayesian),
        faster(older, "get_state_counts", state_counts),
        faster(older, "build_state_names", observed_states),
        faster(newer, "build_state_names", observed_states),
    ]


def fit_most_likely(self: Any, model: Any, data: Any, sample_weight: Any = None) -> Any:
    """``DiscreteMLE.fit``."""
    if type(self)._estimate_cpd is not DiscreteMLE._estimate_cpd:
        raise NotOursError(f"{type(self).__name__} estimates tables in its own way")
    counts = _begin(self, model, data, sample_weight)
    for own in counts.values():
        own[:, (own == 0).all(axis=0)] = 1
    self.parameters_ = [_table(self, node, own) for node, own in counts.items()]
    return self


def fit_bayesian(self: Any, model: Any, data: Any, sample_weight: Any = None) -> Any:
    """``DiscreteBayesianEstimator.fit``."""
    counts = _begin(self, model, data, sample_weight)
    options = (self.prior_type, self.equivalent_sample_size, self.pseudo_counts)
    self.parameters_ = []
    for node, own in counts.items():
        prior = DiscreteBayesianEstimator._resolve_pseudo_counts(self._model, self.state_names_, node, *options)[0]
        self.parameters_.append(_table(self, node, own + prior))
    return self


def _begin(self: Any, model: Any, data: Any, sample_weight: Any) -> dict[Any, Array]:
    """pgmpy's checks, which leave what they find in the estimator; then the counts of every variable of the model."""
    self._initialize_fit(model, data, sample_weight=sample_weight)
    parents = {node: _parents(self._model, node) for node in self._model.nodes()}
    return family_counts(parents, self._data, self.state_names_, self._sample_weight)


def _parents(model: Any, node: Any) -> list[Any]:
    """As pgmpy's estimators order them."""
    found: list[Any] = sorted(model.get_parents(node))
    return found


def _table(self: Any, node: Any, counts: Array) -> Any:
    """Counts divided by their sums."""
    states, parents = self.state_names_, _parents(self._model, node)
    cpd = TabularCPD(
        node,
        len(states[node]),
        counts,
        evidence=parents,
        evidence_card=[len(states[parent]) for parent in parents],
        state_names={name: states[name] for name in (node, *parents)},
    )
    cpd.normalize()
    return cpd


def observed_states(data: Any, state_names: Any = None) -> dict[Any, Any]:
    """``build_state_names``: the declared states of a variable, or the sorted values of its column."""
    if not data.columns.is_unique:
        raise NotOursError
    declared = state_names if isinstance(state_names, dict) else {}
    found = {}
    for name in data.columns.values:
        try:
            own = sorted(coded(data[name]).distinct())
            if name in declared and not set(own) <= set(declared[name]):
                raise NotOursError
        except TypeError:
            raise NotOursError from None
        found[name] = declared.get(name, own)
    return found


def state_counts(
    data: Any,
    state_names: States,
    variable: Any,
    parents: Sequence[Any] = (),
    sample_weight: Any = None,
    reindex: bool = True,
) -> Any:
    """``get_state_counts``: a frame of states x configurations of the parents."""
    if not reindex or len({*parents, variable}) <= len(parents):
        raise NotOursError  # configurations that do not occur are left out, as by scores of structures
    alone: dict[Any, Sequence[Any]] = dict.fromkeys(parents, ())
    counts = family_counts({**alone, variable: parents}, data, state_names, sample_weight)[variable]
    columns = pd.Index(["count"]) if sample_weight is None else None
    if len(parents):
        columns = pd.MultiIndex.from_product([state_names[name] for name in parents], names=list(parents))
        if not counts.all():
            counts = counts.astype(np.float64)  # as pgmpy's, which fills in what does not occur
    return pd.DataFrame(counts, index=pd.Index(list(state_names[variable]), name=variable), columns=columns)
