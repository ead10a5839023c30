"""pgmpy's ``VariableElimination`` on Bayesian networks, answered by our junction trees."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from pgmpy.factors.discrete import DiscreteFactor
from pgmpy.inference import VariableElimination

from ...errors import ImpossibleEvidenceError
from .pgmpy_evidence import Question, check_order
from .replacement import NotOursError, Replacement, faster

Table = npt.NDArray[np.float64]
MAX_CELLS = 1 << 12  # of a joint distribution: of larger ones pgmpy's tensor products are faster


def replacements() -> list[Replacement]:
    """Of ``VariableElimination``, also where pgmpy's own classes ask it."""
    return [faster(VariableElimination, "query", query), faster(VariableElimination, "map_query", map_query)]


def query(
    self: Any,
    variables: Any,
    evidence: Any = None,
    virtual_evidence: Any = None,
    elimination_order: Any = "greedy",
    joint: bool = True,
    show_progress: bool = True,
) -> Any:
    """``VariableElimination.query``: P(variables | evidence), or that of each by itself."""
    question = Question.of(self, variables, evidence, virtual_evidence)
    if not question.names:
        raise NotOursError
    if not (isinstance(elimination_order, str) and elimination_order == "greedy"):
        check_order(self, elimination_order, question)
    if joint:
        return _factor(question, question.names, _joint(question))
    return {name: _factor(question, (name,), own) for name, own in _marginals(question).items()}


def map_query(
    self: Any,
    variables: Any = None,
    evidence: Any = None,
    virtual_evidence: Any = None,
    elimination_order: Any = "MinFill",
    show_progress: bool = True,
) -> Any:
    """``VariableElimination.map_query``: argmax P(variables | evidence), one of them where several are as probable."""
    question = Question.of(self, () if variables is None else variables, evidence, virtual_evidence)
    if not question.names:
        if question.codes or question.likelihoods:
            raise NotOursError("evidence beside no variables, which it does not look at")
        question = question._replace(names=tuple(question.twin.states))
    else:
        check_order(self, elimination_order, question)
    codes = _most_probable(question) if question.is_of_all_unknown else _mode(question)
    return {name: question.twin.states[name][code] for name, code in zip(question.names, codes, strict=True)}


def _mode(question: Question) -> list[int]:
    table = _joint(question)
    return [int(code) for code in np.unravel_index(int(table.argmax()), table.shape)]


def _most_probable(question: Question) -> list[int]:
    """Nothing is summed out: the tree maximises, however many variables are asked for."""
    try:
        rows = question.twin.net.impute(_row(question))
    except ValueError as error:
        raise _not_ours(error) from None
    return [int(rows[name][0]) for name in question.names]


def _joint(question: Question) -> Table:
    """P(names | known), an axis for each."""
    names, net = question.names, question.twin.net
    cells = prod(len(question.twin.states[name]) for name in names)
    if cells > MAX_CELLS:
        raise NotOursError(f"a joint distribution of more than {MAX_CELLS} configurations")
    own = {name: values for name, values in question.likelihoods.items() if name in names}
    others = {name: values for name, values in question.likelihoods.items() if name not in names}
    try:
        table: Table = net.posterior(names, {**question.codes, **others}).table
    except ValueError as error:
        raise _not_ours(error) from None
    for axis, name in enumerate(names):
        if name in own:
            table = table * own[name].reshape(-1, *[1] * (len(names) - axis - 1))
    total = table.sum()
    if not total > 0.0:
        raise NotOursError
    return table / total


def _marginals(question: Question) -> dict[str, Table]:
    """P(name | known) of each of the names."""
    try:
        found = question.twin.net.marginals(_row(question))
    except ValueError as error:
        raise _not_ours(error) from None
    return {name: found[name][0] for name in question.names}


def _row(question: Question) -> dict[str, Any]:
    """What is known, as one row."""
    if not (question.codes or question.likelihoods):
        return {question.names[0]: [None]}
    codes = {name: np.array([code]) for name, code in question.codes.items()}
    return {**codes, **{name: own[np.newaxis] for name, own in question.likelihoods.items()}}


def _not_ours(error: ValueError) -> NotOursError:
    """Of what is impossible pgmpy has answers of its own: NaN, or as if it were not known where it has no bearing."""
    return NotOursError() if isinstance(error, ImpossibleEvidenceError) else NotOursError(str(error))


def _factor(question: Question, names: tuple[str, ...], table: Table) -> Any:
    states = {name: list(question.twin.states[name]) for name in names}
    return DiscreteFactor(names, table.shape, table, state_names=states)
