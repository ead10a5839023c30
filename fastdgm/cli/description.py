"""A network described in words: its size, and what may surprise its user."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..conditionals.table import tables_of
from ..data.labels import codes_are_ambiguous
from ..runtime.text import preview
from ..structures import parameter_counts

if TYPE_CHECKING:
    from ..bayesnet import BayesNet

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
    counts = parameter_counts(net)
    n_states = [len(states) for states in net.states.values()]
    most_parents = max(len(own) for own in net.parents.values())
    tables = tables_of(net.conditionals, "info")
    largest = max(tables, key=lambda name: tables[name].table.size)
    n_zeros = sum(int((own.table == 0.0).sum()) for own in tables.values())
    n_cells = sum(own.table.size for own in tables.values())
    facts = [
        ("variables", f"{len(net)} ({_span(min(n_states), max(n_states))} states)"),
        ("arcs", f"{len(net.edges)} (up to {most_parents} into one variable)"),
        ("parameters", _figure(counts.network)),
        ("  if independent", _figure(counts.independent)),
        ("  full joint table", _figure(counts.full_joint)),
        ("largest table", f"{_figure(tables[largest].table.size)} entries, of {largest!r}"),
        ("  zeros", f"{n_zeros} of {n_cells} table entries" + (": rows that need one score -inf" if n_zeros else "")),
    ]
    found = list(problems(net))
    facts.append(("problems found", str(len(found)) if found else "none"))
    return "\n".join([f"{what:<20}{value}" for what, value in facts] + [f"  - {problem}" for problem in found])


def problems(net: BayesNet) -> Iterator[str]:
    """What is legal but may surprise: states that never occur, single states, misleading state names.

    Zeros and certain states in a table are ordinary: whatever is the logical consequence of its parents has them.
    """
    if never := unreachable_states(net):
        yield f"states that never occur: {len(never)}, {preview([f'{name}={state}' for name, state in never], 5)}"
    if single := [name for name in net.names if len(net.states[name]) == 1]:
        yield f"variables with a single state: {len(single)}, {preview(single, 5)}"
    if misleading := [name for name in net.names if codes_are_ambiguous(net.states[name])]:
        yield (
            f"variables whose state names only look like codes: {len(misleading)}, {preview(misleading, 5)}; "
            "write their values as strings in frames"
        )


def unreachable_states(net: BayesNet) -> list[tuple[str, str]]:
    """States that have probability 0 under every combination of parent states that are themselves reachable.

    States that are impossible for a subtler reason (parents that exclude each other) are not found.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({"a": fd.Categorical([1.0, 0.0]), "b": fd.CPT(["a"], [[1.0, 0.0], [0.5, 0.5]])})
    >>> unreachable_states(net)
    [('a', '1'), ('b', '1')]
    """
    reachable: dict[str, npt.NDArray[np.bool_]] = {}
    tables = tables_of(net.conditionals, "info")
    for name in net.order:
        table = tables[name].table
        for axis, parent in enumerate(net[name].parents):
            table = np.compress(reachable[parent], table, axis=axis)
        reachable[name] = np.asarray((table > 0.0).any(axis=tuple(range(table.ndim - 1))))
    return [
        (name, state)
        for name in net.names
        for state, occurs in zip(net.states[name], reachable[name], strict=True)
        if not occurs
    ]


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"


def _figure(number: int) -> str:
    return f"{number}" if number < _EXACT else f"about 10^{math.log10(number):.0f}"
