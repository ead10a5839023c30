"""Networks learnt from dask DataFrames and Arrays: counts and moments of partitions, added up by a tree of tasks."""

from __future__ import annotations

from typing import Any

from ...bayesnet import BayesNet
from ...conditionals.neural import Neural
from ...data.boundary import read_once
from ...data.learnt_parts import variables_seen
from ...data.variables import Discrete
from ...learning.counts import Prior, UnknownLabels, check_unknown, checked_prior, dropped_warning
from ...learning.fitting import Fitted, Known
from ...learning.hidden_rows import absent_variables
from ...runtime.text import preview
from .cluster import Shipped
from .counting import Counting, Found
from .frames import checked_data, checked_weights, in_partition, name_of, no_rows, partitions_of

SPLIT_EVERY = 16  # partitions, or sums of such, that one task adds up
_ALL_HERE = "net.fit(data.compute()), where all rows fit into memory"


def fit(
    net: BayesNet,
    data: Any,
    *,
    prior: float | str = 1.0,
    equivalent_sample_size: float = 10.0,
    sample_weight: Any = None,
    unknown: UnknownLabels = "error",
) -> BayesNet:
    """Learn every conditional from the rows of all partitions, as ``net.fit`` learns them from rows in memory.

    Each partition becomes its sufficient statistics where it is, counts N of tables and moments of real variables, and
    a tree of tasks adds these up: nothing else travels, and memory is that of the partitions at work. Tables have the
    bits of one ``net.fit`` of all rows, whatever the partitions, workers and their order, also with ``sample_weight``
    of whole numbers. Other weighted tables and the parameters of real variables are the same but for rounding, and the
    same bits each time for the same partitions.

    Parameters
    ----------
    net : its structure, and what it declares, say what is learnt; a ``BayesNet`` of any conditionals that follow from
        sums over rows: tables, linear Gaussians, normal vectors, ``Uniform``, ``Exponential``.
    data : a dask DataFrame or Array, as for ``net.fit``. Its partitions may be empty and of unknown length, and the
        scheduler is the one that dask has: threads, processes, or the cluster of a ``distributed.Client``.
    prior, equivalent_sample_size, unknown : as for :meth:`BayesNet.fit`.
    sample_weight : a dask Series beside a DataFrame, with its partitions and index, or a dask Array ``(n_rows,)`` with
        the chunks of an Array.

    Returns
    -------
    ``net``, changed all at once, or not at all. ``partial_fit`` goes on from it.

    Raises
    ------
    TypeError : what needs all rows at once, named, and data that are not dask's. ValueError, KeyError : as for
        :meth:`BayesNet.fit`, with the partition, the row in it and its index; missing values; partitions that
        contradict each other, of which two are named. VersionMismatchError : a worker runs another version.

    Notes
    -----
    States that the network does not declare are those of all partitions: labels together, sorted; ordered categories in
    their order, which is the same in all partitions; integers from 0 to the largest. Where some partition has seen
    others than all together, a second pass over the data counts again: declare states (``from_edges(..., states=...)``)
    or ``persist()`` data that is slow to read.

    Examples
    --------
    >>> import dask.dataframe as dd, fastdgm as fd
    >>> frame = fd.example("asia").sample(10_000, seed=0).to_pandas()
    >>> net = fd.BayesNet.from_edges(fd.example("asia").edges)
    >>> net = fd.interop.dask.fit(net, dd.from_pandas(frame, npartitions=4))
    >>> here = fd.BayesNet.from_edges(net.edges).fit(frame)
    >>> all((net[name].table == here[name].table).all() for name in net.names)
    True
    """
    if not isinstance(net, BayesNet):
        raise TypeError(f"fit learns a BayesNet from sums over rows, got {type(net).__qualname__}: call its own fit")
    data = checked_data(data, "fit")
    weights = checked_weights(sample_weight, data)
    own_prior = checked_prior(prior, equivalent_sample_size)
    check_unknown(unknown)
    if net.guide:
        raise TypeError(f"fit of dask data knows no guide, this network has one: call {_ALL_HERE}")
    return net._learn_by(lambda known: _learnt(known, data, weights, own_prior, unknown))


def _learnt(known: Known, data: Any, weights: Any, prior: Prior, unknown: UnknownLabels) -> Fitted:
    """All conditionals, by one pass over the data, or two."""
    _refuse_modules(known)
    _refuse_hidden(known, data)
    job = Counting(known, prior, unknown)
    if job.knows_all:
        job.learner(known.variables).refuse_all_at_once("fit of dask data", _ALL_HERE)
    job.check(no_rows(data))
    found = _collected(job, data, weights)
    if not job.knows_all:
        if found.seen is None or not found.n_rows:
            undeclared = [name for name in job.names if name not in known.variables]
            raise ValueError(f"the states of {preview(undeclared)} are not known, and cannot be learnt from no rows")
        variables = variables_seen(found.seen, known.variables, job.names)
        job = Counting(known._replace(variables=variables), prior, unknown)
        job.learner(variables).refuse_all_at_once("fit of dask data", _ALL_HERE)
        if found.variables != variables:
            found = _collected(job, data, weights)
    fitted = job.learner(job.known.variables).estimate(found.statistics)
    warnings = [dropped_warning(found.n_dropped, found.n_rows, found.first_problem), fitted.warning]
    return fitted._replace(warning="; ".join(filter(None, warnings)))


def _refuse_modules(known: Known) -> None:
    for name, own in known.conditionals.items():
        if isinstance(own, Neural):
            raise TypeError(
                f"fit of dask data cannot learn the Neural of {name!r}, which is trained in epochs over all rows: "
                f"call {_ALL_HERE}"
            )


def _refuse_hidden(known: Known, data: Any) -> None:
    """TypeError where columns of declared variables are absent: ``net.fit`` would learn those by EM."""
    names = tuple(known.parents)
    absent = absent_variables(read_once(no_rows(data), names), known.variables, names)
    hidden = [name for name in absent if isinstance(known.variables.get(name), Discrete)]
    if hidden:
        raise TypeError(
            f"fit of dask data adds up complete rows, and the data has no column {preview(hidden)}: hidden variables "
            f"are learnt by EM, in several passes over all rows: call {_ALL_HERE}"
        )


def _collected(job: Counting, data: Any, weights: Any) -> Found:
    """What is kept of all rows."""
    import dask

    shipped = Shipped(job)
    added = dask.delayed(_added, pure=False)
    found = partitions_of(data, weights, _counted, shipped)
    while len(found) > 1:
        found = [added(found[first : first + SPLIT_EVERY], shipped) for first in range(0, len(found), SPLIT_EVERY)]
    (whole,) = dask.compute(*found)
    return whole


def _counted(part: Any, weights: Any, number: int, index: Any, job: Shipped) -> Found:
    with job.opened() as counting, in_partition(number, index):
        return counting.collect(part, weights, name_of(number))


def _added(parts: list[Found], job: Shipped) -> Found:
    with job.opened() as counting:
        return counting.together(parts)
