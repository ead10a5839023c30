"""Rows scored and drawn batch by batch, as Ray Data, Spark and the like call functions: ``LogProb``, ``Sample``.

Both are made once, travel to workers by pickle, and are called with a batch, or with an iterator of batches, which is
how Spark's ``mapInArrow`` calls them. A batch comes back as the kind that it is: a dict of arrays, a pandas DataFrame,
a pyarrow Table or RecordBatch.

Ray Data::

    scored = dataset.map_batches(fd.interop.batches.LogProb(net), batch_format="pyarrow")
    rows = ray.data.range(n).map_batches(fd.interop.batches.Sample(net, seed=0), batch_format="pyarrow")

Spark::

    score, draw = fd.interop.batches.LogProb(net), fd.interop.batches.Sample(net, seed=0)
    scored = df.mapInArrow(score, StructType([*df.schema, StructField("log_prob", DoubleType())]))
    rows = spark.range(0, n, numPartitions=k).mapInArrow(draw, draw.spark_schema)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.optional import import_pyarrow
from ..data.variables import in_order
from ..errors import MissingValuesError, UnknownNameError
from ..runtime.seeds import key_from_seed
from ..runtime.text import preview
from ..runtime.threads import inline
from ..sampler import Sampler
from . import plain_arrow
from .located_errors import located
from .same_versions import check_versions, own_versions

NAME = "log_prob"


class BatchFunction(ABC):
    """A function of batches that has a model. Where it is unpickled, it asks for the versions that it comes from."""

    def __call__(self, batches: Any) -> Any:
        """What becomes of a batch; of an iterator of batches, one after the other, an iterator."""
        return map(self._alone, batches) if isinstance(batches, Iterator) else self._alone(batches)

    def _alone(self, batch: Any) -> Any:
        with inline():  # who has split rows into batches works at several at a time
            return self._of(batch)

    @abstractmethod
    def _of(self, batch: Any) -> Any:
        """What becomes of a batch."""

    def __getstate__(self) -> tuple[Any, dict[str, Any]]:
        return own_versions(), self.__dict__

    def __setstate__(self, state: tuple[Any, dict[str, Any]]) -> None:
        versions, own = state
        check_versions(versions)
        self.__dict__.update(own)


class LogProb(BatchFunction):
    """Adds a column "log_prob", float64, in nats: log p of each row, by ``model.log_prob``.

    Parameters
    ----------
    model : a network, or anything that has ``log_prob`` of tables.
    ids : columns that are no variables: they stay, and are not looked at, but for the first, which says in errors which
        row is wrong.

    Raises
    ------
    When called, as :meth:`BayesNet.log_prob`, by which missing values and absent columns are summed out, and further
    columns are a KeyError. When unpickled, VersionMismatchError for other versions than those of the client.

    Examples
    --------
    >>> import fastdgm as fd
    >>> score = LogProb(fd.BayesNet({"rain": fd.Bernoulli(0.25)}), ids=["day"])
    >>> score({"day": np.array([7, 8]), "rain": np.array([0, 1])})["log_prob"].round(3).tolist()
    [-0.288, -1.386]
    """

    def __init__(self, model: Any, *, ids: Sequence[str] = ()) -> None:
        if not hasattr(model, "log_prob"):
            raise TypeError(f"LogProb needs a network, got {type(model).__qualname__}")
        self.model: Any = model
        self.ids: tuple[Any, ...] = in_order(ids, "ids")
        names = getattr(model, "names", None) or ()  # an autoregressive model may have none
        taken = set(self.ids) & set(names)
        if taken:
            raise ValueError(f"ids are columns that are no variables, {preview(sorted(taken))} are variables")
        if NAME in (*self.ids, *names):
            raise ValueError(f"the column {NAME!r} is what LogProb adds, the batches have one of that name, too")

    def _of(self, batch: Any) -> Any:
        table = _columns(batch)
        absent = [name for name in self.ids if name not in table]
        if absent:
            raise UnknownNameError(f"the batch has no column {preview(absent)} of ids, it has {preview(list(table))}")
        with located("the batch", _entries(table[self.ids[0]]) if self.ids else None):
            scores = self.model.log_prob({name: own for name, own in table.items() if name not in self.ids})
        return _with_column(batch, NAME, np.asarray(scores, np.float64))


class Sample(BatchFunction):
    """Replaces numbers of rows by these rows: those of one ``net.sample(n, seed=seed)``, whatever the batches.

    Discrete variables are strings, their labels, and real ones float32: what Spark and Ray know as types. A run of
    numbers that follow each other is drawn by one call.

    Parameters
    ----------
    net : a network.
    seed : int in [0, 2**64), a ``numpy.random.Generator``, or None for a fresh one, drawn here, once.
    column : where the numbers are, integers from 0 on; a batch has no other column. "id" is what ``ray.data.range``
        and ``spark.range`` call it.

    Attributes
    ----------
    schema : pyarrow Schema of the rows. spark_schema : the same as Spark's DDL.

    Raises
    ------
    ValueError, KeyError, TypeError : when called, for other columns, for numbers that are no integers, out of range, or
        missing.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({"rain": fd.Categorical([0.2, 0.8], states=["no", "yes"])})
    >>> draw = Sample(net, seed=1)
    >>> rows = draw({"id": np.array([5, 2, 3])})["rain"].tolist()
    >>> rows == [net.states["rain"][code] for code in net.sample(6, seed=1)["rain"][[5, 2, 3]]]
    True
    >>> draw.spark_schema
    '`rain` string'
    """

    def __init__(self, net: Any, seed: int | np.random.Generator | None = None, *, column: str = "id") -> None:
        if not isinstance(net, Sampler):
            raise TypeError(f"Sample draws rows of a network, got {type(net).__qualname__}")
        self.net: Sampler = net
        self.seed: int = key_from_seed(seed)
        self.column: str = column
        self.schema: Any = self._drawn(0, 0).schema
        self.spark_schema: str = plain_arrow.spark_ddl(self.schema)

    def _of(self, batch: Any) -> Any:
        numbers = self._numbers(batch)
        ends = np.flatnonzero(np.diff(numbers) != 1) + 1
        runs = np.split(numbers, ends) if len(numbers) else []
        rows = [self._drawn(int(run[0]), len(run)) for run in runs] or [self._drawn(0, 0)]
        return _as_kind_of(batch, plain_arrow.concatenated(rows))

    def _drawn(self, start: int, n: int) -> Any:
        return plain_arrow.plain(self.net.sample(n, seed=self.seed, start=start).to_arrow())

    def _numbers(self, batch: Any) -> npt.NDArray[np.uint64]:
        table = _columns(batch)
        if list(table) != [self.column]:
            raise UnknownNameError(
                f"Sample reads numbers of rows from the column {self.column!r} and no other, got {preview(list(table))}"
            )
        column = table[self.column]
        if getattr(column, "null_count", 0):
            raise MissingValuesError(f"numbers of rows are missing in column {self.column!r}")
        numbers = np.asarray(column)
        if numbers.ndim != 1:
            raise ValueError(f"a row has one number, column {self.column!r} has the shape {numbers.shape}")
        if not len(numbers):
            return np.empty(0, np.uint64)
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"numbers of rows are integers, column {self.column!r} holds {numbers.dtype}")
        if numbers.min() < 0:
            raise ValueError(f"numbers of rows are not negative, column {self.column!r} has {numbers.min()}")
        return numbers.astype(np.uint64)


def _columns(batch: Any) -> dict[str, Any]:
    """The columns of a batch by name."""
    if isinstance(batch, Mapping):
        return dict(batch)
    if hasattr(batch, "column_names"):
        return dict(zip(batch.column_names, batch.columns, strict=True))
    if hasattr(batch, "iloc"):
        return dict(batch.items())
    raise TypeError(
        "a batch is a dict of arrays, a pandas DataFrame, a pyarrow Table or RecordBatch, got "
        f"{type(batch).__module__}.{type(batch).__qualname__}"
    )


def _entries(column: Any) -> Any:
    """A column by number of row: that of pandas goes by its index."""
    return column.array if hasattr(column, "iloc") else column


def _with_column(batch: Any, name: str, values: npt.NDArray[np.float64]) -> Any:
    """The same batch with one more column."""
    if isinstance(batch, Mapping):
        return {**batch, name: values}
    if hasattr(batch, "iloc"):
        return batch.assign(**{name: values})
    pa = import_pyarrow("batches of Arrow")
    columns, names = [*batch.columns, pa.array(values)], [*batch.schema.names, name]
    return type(batch).from_arrays(columns, names=names)


def _as_kind_of(batch: Any, table: Any) -> Any:
    """A table of Arrow as a batch of the kind of another."""
    pa = import_pyarrow("batches of rows")
    if isinstance(batch, Mapping):
        return plain_arrow.numpy_columns(table)
    if hasattr(batch, "iloc"):
        return table.to_pandas()
    if isinstance(batch, pa.RecordBatch):
        return pa.RecordBatch.from_arrays([plain_arrow.whole(own) for own in table.columns], schema=table.schema)
    return table
