"""A network described in words: its size, and what may surprise its user."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT
from ..data.labels import codes_are_ambiguous
from ..data.variables import Discrete, Real
from ..runtime.text import preview
from ..structures import parameter_counts
from .models import known_conditionals

if TYPE_CHECKING:
    from ..bayesnet import BayesNet
    from ..conditionals.base import Conditional

_EXACT = 10**15  # larger numbers are shown by their order of magnitude


def description(net: BayesNet) -> str:
    """Counts, what other structures would need, the largest table and the problems found, as aligned text.

    Examples
    --------
    >>> import fastdgm as fd
    >>> print(description(fd.example("cancer")))
    variables           5 (2 states)
    arcs                4 (up to 2 into one variable)
    parameters          10
      if independent    5
      full joint table  31
    largest table       8 entries, of 'Cancer'
      zeros             0 of 20 table entries
    problems found      none
    """
    most_parents = max(len(own) for own in net.parents.values())
    facts = [
        ("variables", _kinds_of_variables(net)),
        ("arcs", f"{len(net.edges)} (up to {most_parents} into one variable)"),
    ]
    if known_conditionals(net):
        facts += [*_facts_of_parameters(net), *_facts_of_tables(net)]
    found = list(problems(net))
    facts.append(("problems found", str(len(found)) if found else "none"))
    return "\n".join([f"{what:<20}{value}" for what, value in facts] + [f"  - {problem}" for problem in found])


def _kinds_of_variables(net: BayesNet) -> str:
    n_states = [len(states) for states in net.states.values()]
    if _is_of_scalar_states(net):
        return f"{len(net)} ({_span(min(n_states), max(n_states))} states)"
    kinds = []
    if n_states:
        vectors = _vectors(net, Discrete, "codes")
        kinds.append(
            f"{len(n_states)} discrete ({_span(min(n_states), max(n_states))} states{vectors and '; '}{vectors})"
        )
    if n_reals := sum(isinstance(own, Real) for own in net.variables.values()):
        vectors = _vectors(net, Real, "numbers")
        kinds.append(f"{n_reals} real{vectors and f' ({vectors})'}")
    if unknown := len(net) - len(net.variables):
        kinds.append(f"{unknown} not known to be discrete or real")
    return " and ".join(kinds)


def _is_of_scalar_states(net: BayesNet) -> bool:
    """Whether all variables are discrete and none is a vector."""
    return len(net.states) == len(net) and not any(own.event_shape for own in net.variables.values())


def _vectors(net: BayesNet, kind: type[Discrete | Real], values: str) -> str:
    """What is to be said of the vectors of one kind; empty where there are none."""
    sizes = [own.size for own in net.variables.values() if isinstance(own, kind) and own.event_shape and own.size > 1]
    return f"vectors of {_span(min(sizes), max(sizes))} {values} among them" if sizes else ""


def _facts_of_parameters(net: BayesNet) -> list[tuple[str, str]]:
    """What other structures would need, where all is discrete; else the kinds of conditionals."""
    if _is_of_scalar_states(net):
        counts = parameter_counts(net)
        others = [("  if independent", _figure(counts.independent)), ("  full joint table", _figure(counts.full_joint))]
        return [("parameters", _figure(counts.network)), *others]
    kinds = Counter(type(own).__name__ for own in net.conditionals.values())
    return [
        ("parameters", _figure(net.n_parameters)),
        ("conditionals", ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())),
    ]


def _facts_of_tables(net: BayesNet) -> list[tuple[str, str]]:
    tables = _tables(net)
    if not tables:
        return []
    largest = max(tables, key=lambda name: tables[name].table.size)
    n_zeros = sum(int((own.table == 0.0).sum()) for own in tables.values())
    n_cells = sum(own.table.size for own in tables.values())
    return [
        ("largest table", f"{_figure(tables[largest].table.size)} entries, of {largest!r}"),
        ("  zeros", f"{n_zeros} of {n_cells} table entries" + (": rows that need one score -inf" if n_zeros else "")),
    ]


def _tables(net: BayesNet) -> dict[str, CPT]:
    return {name: own for name, own in known_conditionals(net).items() if isinstance(own, CPT)}


def problems(net: BayesNet) -> Iterator[str]:
    """What is legal but may surprise: parameters that are not known, states that never occur, single states, misleading
    state names.

    Zeros and certain states in a table are ordinary: whatever is the logical consequence of its parents has them.
    """
    conditionals = known_conditionals(net)
    if unfitted := [name for name in net.names if name not in conditionals or not conditionals[name].is_fitted]:
        few = preview(unfitted, 5)
        yield f"variables whose parameters are not known yet: {len(unfitted)}, {few}; fastdgm fit learns them"
    if never := unreachable_states(net):
        yield f"states that never occur: {len(never)}, {preview([f'{name}={state}' for name, state in never], 5)}"
    if single := [name for name, states in net.states.items() if len(states) == 1]:
        yield f"variables with a single state: {len(single)}, {preview(single, 5)}"
    if misleading := [name for name, states in net.states.items() if codes_are_ambiguous(states)]:
        yield (
            f"variables whose state names only look like codes: {len(misleading)}, {preview(misleading, 5)}; "
            "write their values as strings in frames"
        )
    if constant := [name for name, own in conditionals.items() if _is_constant(own)]:
        yield f"variables with a std of 0, whose rows score -inf but for one value: {preview(constant, 5)}"


def _is_constant(conditional: Conditional) -> bool:
    return (
        isinstance(conditional, LinearGaussian) and conditional.std is not None and bool((conditional.std == 0).any())
    )


def unreachable_states(net: BayesNet) -> list[tuple[str, str]]:
    """States that have probability 0 under every combination of parent states that are themselves reachable.

    States that are impossible for a subtler reason (parents that exclude each other) are not found, and those of
    conditionals that are no tables are all taken to be reachable.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({"a": fd.Categorical([1.0, 0.0]), "b": fd.CPT(["a"], [[1.0, 0.0], [0.5, 0.5]])})
    >>> unreachable_states(net)
    [('a', '1'), ('b', '1')]
    """
    reachable: dict[str, npt.NDArray[np.bool_]] = {}
    tables = _tables(net)
    for name in net.order:
        if name not in tables:
            reachable[name] = np.ones(len(net.states.get(name, ())), bool)
            continue
        table = tables[name].table
        for axis, parent in enumerate(net[name].parents):
            table = np.compress(reachable[parent], table, axis=axis)
        reachable[name] = np.asarray((table > 0.0).any(axis=tuple(range(table.ndim - 1))))
    return [
        (name, state)
        for name, states in net.states.items()
        for state, occurs in zip(states, reachable[name], strict=True)
        if not occurs
    ]


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"


def _figure(number: int) -> str:
    return f"{number}" if number < _EXACT else f"about 10^{math.log10(number):.0f}"
