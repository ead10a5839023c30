"""What pgmpy's queries take for known, as codes and likelihoods of our network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pgmpy.models import DiscreteBayesianNetwork

from .pgmpy_models import Twin, exactly_ours
from .replacement import NotOursError

HEURISTICS = ("weightedminfill", "minneighbors", "minweight", "minfill")


class Question(NamedTuple):
    """What is asked of a network, and what is known."""

    twin: Twin
    names: tuple[str, ...]
    codes: dict[str, int]
    likelihoods: dict[str, npt.NDArray[np.float64]]  # (k,), of variables that have no code

    @classmethod
    def of(cls, self: Any, variables: Any, evidence: Any, virtual_evidence: Any) -> Self:
        """Raises NotOursError for other models than Bayesian networks, and, without a text, for what pgmpy refuses."""
        if not isinstance(self.model, DiscreteBayesianNetwork):
            raise NotOursError(f"a model of type {type(self.model).__name__}")
        twin = exactly_ours(self.model)
        codes = known_codes(twin, {} if evidence is None else evidence)
        names = _distinct(twin, variables)
        if not codes.keys().isdisjoint(names):
            raise NotOursError
        return cls(twin, names, codes, _likelihoods(self, twin, codes, virtual_evidence))

    @property
    def is_of_all_unknown(self) -> bool:
        """Whether every variable is either asked for or known for certain."""
        return len(self.names) + len(self.codes) == len(self.twin.states)


def known_codes(twin: Twin, evidence: Any) -> dict[str, int]:
    """Places of the known states."""
    if not isinstance(evidence, Mapping) or not evidence.keys() <= twin.states.keys():
        raise NotOursError
    codes = {}
    for name, state in evidence.items():
        try:
            codes[name] = {own: k for k, own in enumerate(twin.states[name])}[state]
        except (KeyError, TypeError):
            raise NotOursError from None
    return codes


def _distinct(twin: Twin, variables: Any) -> tuple[str, ...]:
    if isinstance(variables, str) or not isinstance(variables, Iterable):
        raise NotOursError
    names = tuple(variables)
    if len(set(names)) < len(names) or not twin.states.keys() >= set(names):
        raise NotOursError
    return names


def _likelihoods(self: Any, twin: Twin, codes: Mapping[str, int], virtual_evidence: Any) -> dict[str, Any]:
    """Virtual evidence says of a variable what a child seen in its first state would: P(child = 0 | variable)."""
    found: dict[str, Any] = {}
    if virtual_evidence is None:
        return found
    try:
        self._check_virtual_evidence(virtual_evidence)
    except Exception:  # pgmpy raises it again
        raise NotOursError from None
    for factor in virtual_evidence:
        name, values = factor.variables[0], np.asarray(factor.values, np.float64).ravel()
        if name in found or name in codes:
            raise NotOursError("virtual evidence of a variable of which more is known")
        if tuple(factor.state_names[name]) != twin.states[name] or not (values.min() >= 0.0 and values.max() <= 1.0):
            raise NotOursError
        found[name] = values
    return found


def check_order(self: Any, order: Any, question: Question) -> None:
    """Elimination orders do not change answers. NotOursError, without a text, for those that pgmpy refuses."""
    if order is None or (isinstance(order, str) and order.lower() in HEURISTICS):
        return
    if isinstance(order, str) or not isinstance(order, Iterable):
        raise NotOursError
    given = list(order)
    needed, known = self._prune_bayesian_model(question.names, dict.fromkeys(question.codes))
    hidden = set(needed.nodes()) - set(question.names) - known.keys()
    kept = [name for name in given if name in needed.nodes()]
    if len(set(kept)) < len(kept) or set(kept) != hidden or not known.keys().isdisjoint(given):
        raise NotOursError
