"""How networks and tables look: plain text, HTML, graphviz source, pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

import numpy as np

from ..data.variables import Real
from ..errors import NotFittedError
from ..runtime.text import printable
from .listing import MAX_COLUMNS, MAX_ROWS, Listing, count
from .marginals import Marginals, marginals_text, panels
from .shown import NetworkLike, NeuralLike, Table

MAX_LINES = 30  # of a tree in a repr
MAX_GUIDED = 3  # names in its first line
MAX_DEPTH = 8  # a deeper part of a tree starts again at the margin


def cpt_text(cpt: Table) -> str:
    """A table as aligned text: one row per configuration of the parents, one column per state.

    Parents are shown by the names of their states where the table knows them, as one out of a network does, else by
    their codes.
    """
    return _listing(cpt).text


def cpt_html(cpt: Table) -> str:
    """The table of :func:`cpt_text` as HTML, every name escaped."""
    return _listing(cpt).html


def _listing(cpt: Table) -> Listing:
    given = f" given {', '.join(map(printable, cpt.parents))}" if cpt.parents else ""
    size = f"{count(cpt.n_states, 'state')}, {count(cpt.n_parameters, 'parameter')}"
    more = ["..."] if cpt.n_states > MAX_COLUMNS else []
    header = [printable(name) for name in (*cpt.parents, *cpt.states[:MAX_COLUMNS])] + more
    rows = cpt.table.reshape(-1, cpt.n_states)[:MAX_ROWS, :MAX_COLUMNS]
    parents = _configurations(cpt, len(rows))
    cells = [[*own, *(f"{p:.4g}" for p in row), *more] for own, row in zip(parents, rows, strict=True)]
    n_rows = cpt.table.size // cpt.n_states
    return Listing(f"{type(cpt).__name__}{given}: {size}", header, cells, len(cpt.parents), n_rows - MAX_ROWS)


def _configurations(cpt: Table, n_rows: int) -> list[list[str]]:
    """The states of the parents in each of the first rows."""
    shape = cpt.table.shape[:-1]
    codes = np.stack(np.unravel_index(np.arange(n_rows), shape or (1,)), axis=1)[:, : len(shape)].tolist()
    if cpt.parent_states is None:
        return [[str(code) for code in row] for row in codes]
    return [[printable(states[code]) for states, code in zip(cpt.parent_states, row, strict=True)] for row in codes]


def network_text(net: NetworkLike, max_lines: int | None = MAX_LINES) -> str:
    """Counts, then the graph as a tree from causes to effects; ``max_lines=None`` shows all of it.

    A variable with several parents appears under each; its children, and its kind if it is no table, are shown once.
    """
    return _cut([_headline(net), *_tree(net)], max_lines, "plot('net.txt')")


def graph_text(net: NetworkLike, marginals: Marginals | None, max_lines: int | None = MAX_LINES) -> str:
    """What stands for a picture in a terminal: the tree, or bars of the states."""
    if marginals is None:
        return network_text(net, max_lines)
    bars = marginals_text(net.names, panels(net.states, marginals))
    lines = [_headline(net), marginals.caption("in brackets"), *bars]
    return _cut(lines, max_lines, "plot('net.txt', posterior=...)")


def _headline(net: NetworkLike) -> str:
    size = count(net.n_parameters, "parameter") if net.is_fitted else "not fitted"
    return f"BayesNet: {_variables(net)}, {count(len(net.edges), 'arc')}, {size}{_guide(net)}"


def _cut(lines: list[str], most: int | None, to_see_all: str) -> str:
    if most is not None and len(lines) > most:
        lines[most:] = [f"... ({count(len(lines) - most, 'more line')}; all with {to_see_all})"]
    return "\n".join(lines)


def _variables(net: NetworkLike) -> str:
    n_real = len(real_names(net))
    return count(len(net), "variable") + (f" ({n_real} real)" if n_real else "")


def _guide(net: NetworkLike) -> str:
    """The latent variables whose values a guide proposes, where there is one."""
    names = [printable(name) for name in list(net.guide)[:MAX_GUIDED]]
    more = [f"{len(net.guide) - len(names)} more"] if len(net.guide) > len(names) else []
    return f", guide of {', '.join([*names, *more])}" if names else ""


def real_names(net: NetworkLike) -> set[str]:
    """The variables that are known to be real."""
    return {name for name, own in net.variables.items() if isinstance(own, Real)}


def conditionals_of(net: NetworkLike) -> Mapping[str, object]:
    """Those that are known, if only by their kind; none where nothing but a structure is."""
    try:
        return net.conditionals
    except NotFittedError:
        return {}


def _kind(own: object) -> str:
    """What a tree says of a conditional that is no table: its class, and the family where a module gives that."""
    if hasattr(own, "table"):
        return ""
    return f" ~ {type(own).__name__}{f' {own.family}{_shape(own)}' if isinstance(own, NeuralLike) else ''}"


def _shape(own: NeuralLike) -> str:
    return f" {own.event_shape}" if own.event_shape else ""


def _tree(net: NetworkLike) -> Iterator[str]:
    kinds = {name: _kind(own) for name, own in conditionals_of(net).items()}
    kinds = kinds if len(set(kinds.values())) > 1 else {}  # the same everywhere says little
    children: dict[str, list[str]] = {name: [] for name in net.names}
    for parent, child in net.edges:
        children[parent].append(child)
    listed: set[str] = set()
    starts = deque(name for name in net.order if not net.parents[name])
    while starts:
        stack = [(starts.popleft(), "", "", 0)]
        if stack[0][0] in listed:
            continue
        while stack:
            name, before, indent, depth = stack.pop()
            own, note = children[name], "" if name in listed else kinds.get(name, "")
            if own and name in listed:
                own, note = [], " (above)"
            elif own and depth == MAX_DEPTH:
                starts.append(name)
                own, note = [], f"{note} (below)"
            else:
                listed.add(name)
            yield before + printable(name) + note
            for child in reversed(own):
                branch, rest = ("└─ ", "   ") if child == own[-1] else ("├─ ", "│  ")
                stack.append((child, indent + branch, indent + rest, depth + 1))
