"""Networks from and to pgmpy: ``DiscreteBayesianNetwork`` and ``LinearGaussianBayesianNetwork``, equal to the last bit.

Parameters are pgmpy's own, so that nothing is rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..bayesnet import BayesNet
from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT, tables_of
from ..io.gaussian_nets import regressions_of
from ..io.row_sums import RowSums

_INSTALL = 'to_pgmpy needs pgmpy 1.0 or later: pip install "pgmpy>=1.0"'


def from_pgmpy(model: Any) -> BayesNet:
    """The network of a pgmpy ``DiscreteBayesianNetwork`` or ``LinearGaussianBayesianNetwork``.

    A graph without any CPDs gives an unfitted network of discrete variables.

    State names become strings. Where CPDs list a variable's states in different orders, the order of its own
    CPD holds. Rows that are off by more than 1e-6 from summing to 1, and by 1e-2 at most, are divided by their sum,
    with one warning for all tables.

    Raises
    ------
    TypeError : not a pgmpy model, CPDs that are neither tables nor linear Gaussians, or variable names that are not
        strings.
    ValueError : some CPDs missing, two of one variable, some of no variable of the graph, CPDs that disagree with
        the graph or with each other about states.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from pgmpy.models import DiscreteBayesianNetwork  # doctest: +SKIP
    >>> fd.from_pgmpy(DiscreteBayesianNetwork([("rain", "wet")])).edges  # doctest: +SKIP
    (('rain', 'wet'),)
    """
    if not (hasattr(model, "nodes") and hasattr(model, "predecessors")):
        raise TypeError(
            "from_pgmpy takes a pgmpy DiscreteBayesianNetwork or LinearGaussianBayesianNetwork, got "
            f"{type(model).__name__}"
        )
    names = list(model.nodes())
    listed = list(getattr(model, "cpds", ()))
    cpds = {cpd.variable: cpd for cpd in listed}
    if not cpds:
        return BayesNet.from_edges(model.edges(), names)
    if len(cpds) < len(listed) or not cpds.keys() <= set(names):
        of = [cpd.variable for cpd in listed]
        raise ValueError(f"every variable has one CPD, got CPDs of {of[:10]} for variables {names[:10]}")
    missing = [name for name in names if name not in cpds]
    if missing:
        raise ValueError(f"every variable needs a CPD, got none for {missing[:10]}")
    sums = RowSums()
    net = BayesNet({name: _conditional(name, cpds, set(model.predecessors(name)), sums) for name in names})
    sums.warn("from_pgmpy", stacklevel=2)
    return net


def _conditional(name: str, cpds: dict[str, Any], graph_parents: set[str], sums: RowSums) -> Conditional:
    cpd = cpds[name]
    if not (hasattr(cpd, "state_names") or hasattr(cpd, "beta")):
        raise TypeError(
            f"from_pgmpy takes tables (TabularCPD) and LinearGaussianCPD, got {type(cpd).__name__} for {name!r}"
        )
    parents = list(cpd.variables[1:])
    if set(parents) != graph_parents:
        raise ValueError(f"the CPD of {name!r} has parents {parents}, but the graph {sorted(graph_parents)}")
    if hasattr(cpd, "beta"):
        return _linear_gaussian(name, cpd, parents)
    return _cpt(name, cpds, parents, sums)


def _linear_gaussian(name: str, cpd: Any, parents: list[str]) -> LinearGaussian:
    """pgmpy's ``beta`` is the intercept, then the coefficients in the order of the evidence."""
    beta = np.asarray(cpd.beta, dtype=np.float64)
    if beta.shape != (len(parents) + 1,):
        raise ValueError(
            f"CPD of {name!r}: an intercept and a coefficient for each of {parents} have shape {(len(parents) + 1,)}, "
            f"got {beta.shape}"
        )
    try:
        return LinearGaussian(parents, beta[0], beta[1:], cpd.std)
    except ValueError as error:
        raise ValueError(f"CPD of {name!r}: {error}") from None


def _cpt(name: str, cpds: dict[str, Any], parents: list[str], sums: RowSums) -> CPT:
    """pgmpy's axes are the child, then the evidence; ours are the parents, then the child."""
    cpd = cpds[name]
    table = np.asarray(cpd.values, dtype=np.float64)
    for axis, parent in enumerate(parents, start=1):
        table = _reorder(table, axis, cpd.state_names[parent], cpds[parent].state_names[parent], (name, parent))
    table = np.array(np.moveaxis(table, 0, -1), order="C")
    try:
        sums.divide(name, table)
        return CPT(parents, table, cpd.state_names[name])
    except ValueError as error:
        raise ValueError(f"CPD of {name!r}: {error}") from None


def _reorder(
    table: npt.NDArray[np.float64], axis: int, listed: list[Any], wanted: list[Any], who: tuple[str, str]
) -> npt.NDArray[np.float64]:
    """Put one parent's axis into the order of the parent's own states, by name: to Python, 1 equals True."""
    places = {str(state): place for place, state in enumerate(listed)}
    if len(listed) == len(wanted) and places.keys() == set(map(str, wanted)):
        return table.take([places[str(state)] for state in wanted], axis=axis)
    if listed == wanted:  # 1.0 and 1
        return table
    raise ValueError(f"the CPD of {who[0]!r} has states {listed} of {who[1]!r}, whose own CPD has {wanted}")


def to_pgmpy(net: BayesNet) -> Any:
    """The network as a pgmpy model: a network of tables as a ``DiscreteBayesianNetwork``, one of linear Gaussians as a
    ``LinearGaussianBayesianNetwork``.

    Raises
    ------
    ImportError : pgmpy is not installed. NotFittedError : no parameters yet. TypeError : both kinds of variables, or a
        conditional of another kind; names the first.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.example("asia").to_pgmpy().get_cpds("smoke").values  # doctest: +SKIP
    array([0.5, 0.5])
    """
    model, cpds = _discrete(net) if net.states else _gaussian(net)
    model.add_nodes_from(net.names)
    model.add_edges_from(net.edges)
    model.add_cpds(*cpds)
    return model


def _discrete(net: BayesNet) -> tuple[Any, list[Any]]:
    """An empty model and its CPDs."""
    try:
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    cpds = [
        TabularCPD(
            name,
            cpt.n_states,
            cpt.table.reshape(-1, cpt.n_states).T,
            evidence=list(cpt.parents),
            evidence_card=list(cpt.table.shape[:-1]),
            state_names={other: list(net.states[other]) for other in (name, *cpt.parents)},
        )
        for name, cpt in tables_of(net.conditionals, "to_pgmpy of a network with discrete variables").items()
    ]
    return DiscreteBayesianNetwork(), cpds


def _gaussian(net: BayesNet) -> tuple[Any, list[Any]]:
    """An empty model and its CPDs."""
    try:
        from pgmpy.factors.continuous import LinearGaussianCPD
        from pgmpy.models import LinearGaussianBayesianNetwork
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    cpds = [
        LinearGaussianCPD(name, [own.intercept, *own.coefficients], float(own.std), list(net.parents[name]))
        for name, own in regressions_of(net.conditionals, "to_pgmpy of real variables").items()
    ]
    return LinearGaussianBayesianNetwork(), cpds
