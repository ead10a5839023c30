"""Writing what ``bnlearn_json`` reads: networks of linear Gaussians alone as pgmpy loads them, others with types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..bayesnet import BayesNet
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT
from .bnlearn_json import INTERCEPT, row_labels
from .gaussian_nets import parameters_of, tables_and_gaussians, variances_of
from .text import Array

_PURPOSE = "a .json file"
States = Mapping[str, Sequence[str]]
Node = dict[str, Any]


def write_json(net: BayesNet) -> str:
    """The network as JSON, with every number to the last bit.

    Raises
    ------
    TypeError : a conditional that is neither a table nor a :class:`LinearGaussian`. ValueError : an empty name, a real
        parent named ``(Intercept)``, states of parents whose names make two rows of a table read alike, a standard
        deviation without discrete parents whose square is no double.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_json
    >>> print(write_json(fd.BayesNet({"x": fd.Normal(1.5, 2)})))
    {
     "nodes": ["x"],
     "arcs": [],
     "cpds": {
      "x": {"parents": [], "coefficients": {"(Intercept)": [1.5]}, "variance": [4.0]}
     }
    }
    <BLANKLINE>
    """
    if "" in net.names:
        raise ValueError(f"{_PURPOSE} cannot hold the variable name ''")
    conditionals = tables_and_gaussians(net.conditionals, _PURPOSE)
    nodes = {name: _node(name, own, net.states) for name, own in conditionals.items()}
    if not net.states:
        for node in nodes.values():
            del node["type"]
    cpds = ",\n".join(f"  {json.dumps(name)}: {json.dumps(node)}" for name, node in nodes.items())
    arcs = json.dumps([list(edge) for edge in net.edges])
    return f'{{\n "nodes": {json.dumps(net.names)},\n "arcs": {arcs},\n "cpds": {{\n{cpds}\n }}\n}}\n'


def _node(name: str, own: CPT | LinearGaussian, states: States) -> Node:
    if isinstance(own, CPT):
        levels = list(own.states)
        return {"type": "discrete", "parents": list(own.parents), "levels": levels, "cpt": _cpt(name, own, states)}
    return _regression(name, own, states)


def _cpt(name: str, own: CPT, states: States) -> Node:
    rows = [dict(zip(own.states, row, strict=True)) for row in own.table.reshape(-1, own.n_states).tolist()]
    if not own.parents:
        return rows[0]
    labels = list(row_labels(own.parents, [states[parent] for parent in own.parents]))
    if len({label.replace(", ", ",") for label in labels}) < len(labels):
        raise ValueError(f"{_PURPOSE} cannot hold the table of {name!r}: two of its rows would be named alike")
    return dict(zip(labels, rows, strict=True))


def _regression(name: str, own: LinearGaussian, states: States) -> Node:
    discrete, real = own.discrete_parents or (), own.real_parents or ()
    if INTERCEPT in real:
        raise ValueError(f"{_PURPOSE} cannot hold the name {INTERCEPT!r} of a real parent")
    parameters = parameters_of(name, own)
    columns = [parameters.intercept, *(parameters.coefficients[..., j] for j in range(len(real)))]
    if not discrete:
        coefficients = {key: [float(column)] for key, column in zip([INTERCEPT, *real], columns, strict=True)}
        variance = [float(variances_of(parameters.std, _PURPOSE, name))]
        return {"type": "gaussian", "parents": list(real), "coefficients": coefficients, "variance": variance}
    return {
        "type": "cgnode",
        "parents": list(own.parents),
        "dparents": [own.parents.index(parent) + 1 for parent in discrete],
        "gparents": [own.parents.index(parent) + 1 for parent in real],
        "dlevels": {parent: list(states[parent]) for parent in discrete},
        "coefficients": {key: _numbered(column) for key, column in zip([INTERCEPT, *real], columns, strict=True)},
        "sd": _numbered(parameters.std),
    }


def _numbered(values: Array) -> dict[str, float]:
    """By number of the configuration, the first discrete parent changing fastest."""
    return {str(i): value for i, value in enumerate(values.reshape(-1, order="F").tolist())}
