"""Networks from and to pyAgrum: ``pyagrum.BayesNet`` and ``pyagrum.clg.CLG``, numbers equal to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bayesnet import BayesNet
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT, tables_of
from ..io.gaussian_nets import regressions_of
from ..io.row_sums import RowSums

_INSTALL = 'to_pyagrum needs pyAgrum 2.0 or later: pip install "pyagrum>=2.0"'


def from_pyagrum(model: Any) -> BayesNet:
    """The network of a pyAgrum ``BayesNet``, whose state names are its labels, or of a ``pyagrum.clg.CLG``.

    A CLG does not say in which order parents come: they are in the order of declaration.

    Rows that are off by more than 1e-6 from summing to 1, and by 1e-2 at most, are divided by their sum, with one
    warning for all tables.

    Raises
    ------
    TypeError : not a pyAgrum network. ValueError : a table that was never filled, or is no distribution; parameters
        that are no finite numbers.

    Examples
    --------
    >>> import fastdgm as fd
    >>> import pyagrum  # doctest: +SKIP
    >>> fd.from_pyagrum(pyagrum.fastBN("rain{no|yes}->wet")).states["rain"]  # doctest: +SKIP
    ('no', 'yes')
    """
    if hasattr(model, "coefArc"):
        return _from_clg(model)
    if not (hasattr(model, "cpt") and hasattr(model, "nodes")):
        raise TypeError(f"from_pyagrum takes a pyagrum.BayesNet or a pyagrum.clg.CLG, got {type(model).__name__}")
    sums = RowSums()
    net = BayesNet({model.variable(node).name(): _cpt(model, node, sums) for node in sorted(model.nodes())})
    sums.warn("from_pyagrum", stacklevel=2)
    return net


def _from_clg(model: Any) -> BayesNet:
    conditionals = {}
    for node in model.nodes():
        variable, parents = model.variable(node), sorted(model.parents(node))
        names = [model.variable(parent).name() for parent in parents]
        coefficients = [model.coefArc(parent, node) for parent in parents]
        try:
            conditionals[variable.name()] = LinearGaussian(names, variable.mu(), coefficients, variable.sigma())
        except ValueError as error:
            raise ValueError(f"parameters of {variable.name()!r}: {error}") from None
    return BayesNet(conditionals)


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
    """The network as a pyAgrum model: a network of tables as a ``BayesNet``, one of linear Gaussians as a
    ``pyagrum.clg.CLG``, whose variables have no order of parents.

    Raises
    ------
    ImportError : pyAgrum is not installed. NotFittedError : no parameters yet. TypeError : both kinds of variables, or
        a conditional of another kind; names the first. ValueError : a coefficient of 0, which a CLG does not have.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.example("asia").to_pyagrum().size()  # doctest: +SKIP
    8
    """
    return _to_bayes_net(net) if net.states else _to_clg(net)


def _to_bayes_net(net: BayesNet) -> Any:
    try:
        import pyagrum
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    tables = tables_of(net.conditionals, "to_pyagrum of a network with discrete variables")
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


def _to_clg(net: BayesNet) -> Any:
    try:
        from pyagrum import clg
    except ImportError as error:
        raise ImportError(f"{_INSTALL}; its CLG also needs IPython and pandas") from error
    regressions = regressions_of(net.conditionals, "to_pyagrum of real variables")
    model = clg.CLG()
    for name, own in regressions.items():
        model.add(clg.GaussianVariable(name, float(own.intercept), float(own.std)))
    for name, own in regressions.items():
        for parent, coefficient in zip(net.parents[name], own.coefficients.tolist(), strict=True):
            if coefficient == 0.0:
                raise ValueError(f"a CLG of pyAgrum has no coefficient of 0, got that of {parent!r} for {name!r}")
            model.addArc(parent, name, coefficient)
    return model
