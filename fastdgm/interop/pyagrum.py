"""Networks from and to pyAgrum (``pyagrum.BayesNet``), probabilities equal to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bayesnet import BayesNet
from ..conditionals.table import CPT, tables_of
from ..io.row_sums import RowSums


def from_pyagrum(model: Any) -> BayesNet:
    """The network of a pyAgrum ``BayesNet``; state names are its labels.

    Rows that are off by more than 1e-6 from summing to 1, and by 1e-2 at most, are divided by their sum, with one
    warning for all tables.

    Raises
    ------
    TypeError : not a pyAgrum network. ValueError : a table that was never filled, or is no distribution.

    Examples
    --------
    >>> import fastdgm as fd
    >>> import pyagrum  # doctest: +SKIP
    >>> fd.from_pyagrum(pyagrum.fastBN("rain{no|yes}->wet")).states["rain"]  # doctest: +SKIP
    ('no', 'yes')
    """
    if not (hasattr(model, "cpt") and hasattr(model, "nodes")):
        raise TypeError(f"from_pyagrum takes a pyagrum.BayesNet, got {type(model).__name__}")
    sums = RowSums()
    net = BayesNet({model.variable(node).name(): _cpt(model, node, sums) for node in sorted(model.nodes())})
    sums.warn("from_pyagrum", stacklevel=2)
    return net


def _cpt(model: Any, node: int, sums: RowSums) -> CPT:
    """A tensor's ``names`` start with the child, and ``toarray()`` has its axes in the reverse order."""
    variable, tensor = model.variable(node), model.cpt(node)
    parents = list(tensor.names)[:0:-1]
    table = np.array(tensor.toarray(), dtype=np.float64)
    try:
        sums.divide(variable.name(), table)
        return CPT(parents, table, variable.labels())
    except ValueError as error:
        raise ValueError(f"table of {variable.name()!r}: {error}") from None


def to_pyagrum(net: BayesNet) -> Any:
    """The network as a pyAgrum ``BayesNet``.

    Raises
    ------
    ImportError : pyAgrum is not installed. NotFittedError : no tables yet.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.example("asia").to_pyagrum().size()  # doctest: +SKIP
    8
    """
    try:
        import pyagrum
    except ImportError as error:
        raise ImportError('to_pyagrum needs pyAgrum 2.0 or later: pip install "pyagrum>=2.0"') from error
    tables = tables_of(net.conditionals, "to_pyagrum")
    model = pyagrum.BayesNet()
    for name, cpt in tables.items():
        model.add(pyagrum.LabelizedVariable(name, "", list(cpt.states)))
    model.beginTopologyTransformation()
    for name, cpt in tables.items():
        for parent in reversed(cpt.parents):  # so that the axes of the tensor come out in our order
            model.addArc(parent, name)
    model.endTopologyTransformation()
    for name, cpt in tables.items():
        model.cpt(name)[:] = cpt.table
    return model
