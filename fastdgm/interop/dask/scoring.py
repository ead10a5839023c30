"""Rows of a dask DataFrame or Array are scored and classified where they are, partition by partition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .cluster import Shipped
from .frames import checked_data, in_partition, is_frame, no_rows, place_of

if TYPE_CHECKING:
    from ...inference.impossible import Impossible

NAME = "log_prob"


def log_prob(net: Any, data: Any, *, given: Sequence[str] | None = None, impossible: Impossible = "error") -> Any:
    """How likely each row is, in nats: ``net.log_prob`` of every partition, when the result is computed.

    Parameters
    ----------
    net : a network or autoregressive model, with the parameters that it has now: a later ``fit`` changes no result.
        It travels with each task as bytes and is made a model again once in each process.
    data : a dask DataFrame, its columns matched by name, or a dask Array ``(n_rows, n_vars)`` of codes or numbers,
        whose chunks may have unknown lengths. Each part is read as ``net.log_prob`` reads a pandas frame or array:
        integers are codes, strings and categoricals labels, absent columns and missing values are summed out. The
        index is no variable.
    given, impossible : of networks, as for :meth:`BayesNet.log_prob`.

    Returns
    -------
    A dask Series "log_prob", float64, of the partitions, index and divisions of the frame; or a dask Array
    ``(n_rows,)`` of the blocks of the array. Partitions may be empty. It has the bits of one ``net.log_prob`` of all
    rows.

    Raises
    ------
    TypeError : data that are not dask's. KeyError : columns that are no variables. ValueError : an array of another
        width. NotFittedError : before ``fit``. All these at once, by the frame's columns and types.
    ValueError, KeyError : of what is computed, as for :meth:`BayesNet.log_prob`; they name the partition, the row in
        it, and that row's index. VersionMismatchError : a worker runs another version.

    Examples
    --------
    >>> import dask.dataframe as dd, fastdgm as fd
    >>> net = fd.BayesNet({"rain": fd.Bernoulli(0.2), "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]])})
    >>> frame = net.sample(1000, seed=0).to_pandas()
    >>> scores = fd.interop.dask.log_prob(net, dd.from_pandas(frame, npartitions=4))
    >>> scores.npartitions, bool((scores.compute() == net.log_prob(frame)).all())
    (4, True)
    """
    data = _checked(net, data, "log_prob")
    options = _options(given, impossible)
    net.log_prob(no_rows(data), **options)  # raises now what is wrong with columns and options
    if is_frame(data):
        return data.map_partitions(_scored_frame, Shipped(net), options, meta=(NAME, np.float64))
    return data.map_blocks(_scored_block, Shipped(net), options, drop_axis=1, dtype=np.float64, meta=np.empty(0))


def predict_proba(net: Any, data: Any, name: str, *, impossible: Impossible = "error") -> Any:
    """The posterior of one discrete variable in every row, ``net.predict_proba`` of every partition.

    Parameters
    ----------
    net, data, impossible : as for :func:`log_prob`, but that the column ``name`` may be absent and is not looked at.
    name : a discrete variable.

    Returns
    -------
    A dask DataFrame, float64, with a column for each state and the partitions, index and divisions of the frame; or a
    dask Array ``(n_rows, k)`` in the order of ``net.states[name]``. Every row sums to one.

    Raises
    ------
    As :func:`log_prob`, and KeyError for another name, ValueError for a real variable.

    Examples
    --------
    >>> import dask.dataframe as dd, fastdgm as fd
    >>> net = fd.example("asia")
    >>> data = dd.from_pandas(net.sample(100, seed=0).to_pandas(), npartitions=4)
    >>> fd.interop.dask.predict_proba(net, data, "bronc").head(2).round(3)
         yes     no
    0  0.250  0.750
    1  0.087  0.913
    """
    data = _checked(net, data, "predict_proba")
    net.predict_proba(no_rows(data), name, impossible=impossible)
    states, job = net.states[name], Shipped(net)
    if is_frame(data):
        return data.map_partitions(_classified_frame, job, name, impossible, meta=dict.fromkeys(states, np.float64))
    chunks = (data.chunks[0], (len(states),))
    found = {"chunks": chunks, "dtype": np.float64, "meta": np.empty((0, 0))}
    return data.map_blocks(_classified_block, job, name, impossible, **found)


def _checked(net: Any, data: Any, verb: str) -> Any:
    """Data as ``checked_data`` has it. TypeError where what should have the verb has not."""
    if not hasattr(net, verb):
        raise TypeError(f"{verb} is of a network or model, then of data, got {type(net).__qualname__} first")
    return checked_data(data, verb)


def _options(given: Sequence[str] | None, impossible: Impossible) -> dict[str, Any]:
    """Only those that say something: autoregressive models have none."""
    options: dict[str, Any] = {} if given is None else {"given": given}
    return options if impossible == "error" else {**options, "impossible": impossible}


def _scored_frame(
    part: Any, net: Shipped, options: dict[str, Any], partition_info: dict[str, Any] | None = None
) -> Any:
    import pandas as pd

    with net.opened() as model, in_partition(place_of(partition_info), part.index):
        return pd.Series(np.asarray(model.log_prob(part, **options), np.float64), part.index, name=NAME)


def _scored_block(block: Any, net: Shipped, options: dict[str, Any], block_id: tuple[int, ...] | None = None) -> Any:
    with net.opened() as model, in_partition(None if block_id is None else block_id[0]):
        return np.asarray(model.log_prob(block, **options), np.float64)


def _classified_frame(
    part: Any, net: Shipped, name: str, impossible: Impossible, partition_info: dict[str, Any] | None = None
) -> Any:
    import pandas as pd

    with net.opened() as model, in_partition(place_of(partition_info), part.index):
        shares = model.predict_proba(part, name, impossible=impossible)
        return pd.DataFrame(shares, part.index, columns=list(model.states[name]))


def _classified_block(
    block: Any, net: Shipped, name: str, impossible: Impossible, block_id: tuple[int, ...] | None = None
) -> Any:
    with net.opened() as model, in_partition(None if block_id is None else block_id[0]):
        return np.asarray(model.predict_proba(block, name, impossible=impossible), np.float64)
