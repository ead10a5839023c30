"""Rows of a model as a dask DataFrame or Array, each partition a range of the rows of one seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...runtime.pieces import TILE, split
from ...runtime.seeds import at_least_one, check_rows, key_from_seed
from .cluster import Shipped
from .draws import Columns, Draws, draws_of

PARTITION_BYTES = 96 << 20  # of a partition in memory
LAST_ROW = 2**63 - 1  # the largest number of an index
MAX_PARTITIONS = 10**6  # the client and dask's scheduler keep all tasks in memory


class Ranges(NamedTuple):
    """Partitions: rows ``begins[p]`` to ``begins[p] + sizes[p]``."""

    begins: list[int]
    sizes: list[int]

    @property
    def divisions(self) -> tuple[int, ...]:
        """As dask wants them: the first number of every partition, and the last of all."""
        return (*self.begins, max(self.begins[0], self.begins[-1] + self.sizes[-1] - 1))


def sample(
    net: Any,
    n: int,
    *,
    seed: int | np.random.Generator | None = None,
    start: int = 0,
    partition_rows: int | None = None,
    columns: Sequence[str] | None = None,
    as_array: bool = False,
    given: Mapping[str, object] | None = None,
    do: Mapping[str, object] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Draw ``n`` rows as a dask DataFrame, or Array, whose partitions are ranges of the rows of one ``sample`` call.

    Nothing is drawn before it is asked for. Row i is global row ``start + i`` of the seed's data set, whatever the
    partitions, workers, threads and retries: the rows are those of ``net.sample(n, seed=seed, start=start)`` to the
    last bit (table-driven class); with float-driven models, on one kind of machine. A worker that is lost costs the
    time of its partitions, and changes no row.

    Parameters
    ----------
    net : a :class:`BayesNet`; or an autoregressive model, a :class:`MarkovChain` if its rows have one length.
    n, start : number of rows and the first of them; ``start + n`` is at most 2**63, because rows are numbered by int64.
    seed : as for ``net.sample``; None and a generator are asked once, here.
    partition_rows : rows of a partition; None: as many as take about 96 MiB, in steps of 4096.
    columns : names of the columns that are wanted; those of a vector ``x`` are ``x[0]``, ``x[1]``, ... Of a Bayes net
        without ``given`` only these and what they depend on is drawn. So it is where columns are picked later:
        ``ddf[["a", "b"]]`` of what this returns draws no others.
    as_array : a dask Array ``(n, n_columns)`` of codes, of reals, or of both as float64, instead of a DataFrame.
    given, do : known values, the same for all rows, and interventions, as for ``net.sample``; of Bayes nets.
    dtype : of real variables of a Bayes net, float32 or float64.

    Returns
    -------
    A DataFrame with the columns of ``net.sample(...).to_pandas()``, ordered categoricals among them (of an
    autoregressive model: numbers), whose index is the number of the row, with known divisions; or an Array. The model
    travels to the workers as one key of the graph; they refuse it with a VersionMismatchError if their versions of
    fastdgm, numpy or numba are not those of the client. Each task has one thread, because a worker runs one for each of
    its threads.

    Raises
    ------
    ValueError, TypeError, KeyError : arguments out of range, unknown names; ``given`` or ``do`` for models that have
        none, rows of evidence in ``given``, models that need a context or draw sequences of any length.
        NotFittedError, ImpossibleEvidenceError : as ``net.sample``. ImportError : without dask.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.interop.dask import sample
    >>> net = fd.example("asia")
    >>> ddf = sample(net, 10_000, seed=0, partition_rows=4_000)
    >>> ddf.npartitions, ddf.divisions
    (3, (0, 4000, 8000, 9999))
    >>> bool((ddf.compute() == net.sample(10_000, seed=0).to_pandas()).all(axis=None))
    True
    >>> ddf["smoke"].value_counts().compute().sort_index().tolist()
    [4957, 5043]
    """
    draws, ranges = planned(net, n, seed, start, partition_rows, given, do, dtype)
    columns = draws.checked_columns(columns)
    shipped = Shipped(draws)
    return _array(shipped, draws, ranges, columns) if as_array else _frame(shipped, draws, ranges, columns)


def planned(
    net: Any,
    n: int,
    seed: int | np.random.Generator | None,
    start: int,
    partition_rows: int | None,
    given: Mapping[str, object] | None,
    do: Mapping[str, object] | None,
    dtype: npt.DTypeLike | None,
) -> tuple[Draws, Ranges]:
    """What is drawn, and the ranges of its partitions; what is wrong is said here."""
    n, start = check_rows(n, start)
    if start + n > LAST_ROW + 1:
        raise ValueError(f"rows are numbered by int64: start + n is at most 2**63, got start {start} with n {n}")
    draws = draws_of(net, key_from_seed(seed), given, do, dtype)
    size = (
        default_rows(draws.bytes_per_row) if partition_rows is None else at_least_one(partition_rows, "partition_rows")
    )
    if n > MAX_PARTITIONS * size:
        raise ValueError(
            f"rows are drawn in at most {MAX_PARTITIONS} partitions, got {n} rows in partitions of {size}: "
            "partition_rows= makes them larger"
        )
    return draws, Ranges(*map(list, zip(*_ranges(n, start, size), strict=True)))


def default_rows(bytes_per_row: int) -> int:
    """Rows of a partition: whole tiles of the kernels."""
    return max(1, PARTITION_BYTES // (max(1, bytes_per_row) * TILE)) * TILE


def _ranges(n: int, start: int, size: int) -> Iterator[tuple[int, int]]:
    """(begin, size) of every partition; a table without rows has an empty one."""
    return ((start + begin, end - begin) for begin, end in split(n, size) or [(0, 0)])


def _frame(shipped: Shipped, draws: Draws, ranges: Ranges, columns: Columns) -> Any:
    """A DataFrame of which dask's optimizer passes picked columns on to the tasks.

    ``dask.dataframe.from_map`` would keep a copy of the model in each task: this is what it makes, with the model as a
    key of its own.
    """
    from dask._task_spec import TaskRef
    from dask.dataframe.dask_expr import new_collection
    from dask.dataframe.dask_expr._expr import _DelayedExpr
    from dask.dataframe.dask_expr.io import FromMapProjectable

    model = as_key(shipped)
    meta = draws.frame(ranges.begins[0], 0)
    expression = FromMapProjectable(
        frame_of_range,
        [ranges.begins, ranges.sizes],
        None if columns is None else list(columns),
        [],
        {"model": TaskRef((model.key, 0))},
        True,  # ``columns`` is always passed
        meta,
        False,
        ranges.divisions,
        "fastdgm-sample",
        None,
        False,
        _DelayedExpr(model),
    )
    return new_collection(expression)


def _array(shipped: Shipped, draws: Draws, ranges: Ranges, columns: Columns) -> Any:
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph

    model = as_key(shipped)
    name = f"fastdgm-array-{da.core.tokenize(shipped, ranges, columns)}"
    tasks: dict[Any, Any] = {
        (name, p, 0): (array_of_range, begin, size, model.key, columns)
        for p, (begin, size) in enumerate(zip(*ranges, strict=True))
    }
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[model])
    meta = draws.array(ranges.begins[0], 0, columns)
    return da.Array(graph, name, (tuple(ranges.sizes), (meta.shape[1],)), meta=meta)


def as_key(shipped: Shipped) -> Any:
    """The model as one key of a graph, on which the tasks depend."""
    from dask import delayed

    return delayed(shipped, name=f"fastdgm-model-{shipped.token[:32]}", traverse=False)


def frame_of_range(begin: int, n: int, *, model: Shipped, columns: Columns) -> Any:
    """A partition of a DataFrame."""
    with model.opened() as draws:
        return draws.frame(begin, n, columns)


def array_of_range(begin: int, n: int, model: Shipped, columns: Columns) -> npt.NDArray[Any]:
    """A chunk of an Array."""
    with model.opened() as draws:
        rows: npt.NDArray[Any] = draws.array(begin, n, columns)
        return rows
