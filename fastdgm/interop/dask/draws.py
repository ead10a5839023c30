"""Rows of one seed of a model, any range of them: what the tasks of a cluster draw from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...autoregressive.base import AutoregressiveModel
from ...autoregressive.markov import MarkovChain
from ...bayesnet import BayesNet
from ...data.given_values import is_per_row
from ...data.samples import Samples
from ...data.schema import Schema, values_of
from ...data.variables import in_order
from ...data.vectors import cells_of_variable
from ...engines.chosen import ChosenVariables
from ...engines.hybrid import Program
from ...errors import UnknownNameError
from ...io.rows import write_rows
from ...io.rows.reals import write_reals
from ...runtime.arrays import code_type, real_type
from ...runtime.lazy import cached_property
from ...runtime.pieces import split
from ...runtime.text import preview

CELLS_PER_GROUP = 1 << 23  # of rows written at a time, a row group of a file: as the command line does
Columns = Sequence[str] | None  # None: all


class Draws(ABC):
    """Rows of a model and a seed. Pickles; what it draws is a function of the range alone."""

    columns: tuple[str, ...]  # of frames and arrays: those of a vector x are x[0], x[1], ...
    bytes_per_row: int
    key: int  # the seed

    @abstractmethod
    def frame(self, begin: int, n: int, columns: Columns = None) -> Any:
        """Rows ``begin`` to ``begin + n`` as a pandas DataFrame, their numbers as its index."""

    @abstractmethod
    def array(self, begin: int, n: int, columns: Columns = None) -> npt.NDArray[Any]:
        """The same as an array ``(n, n_columns)`` of codes, of reals, or of both as float64."""

    @abstractmethod
    def write(self, path: Path, begin: int, n: int) -> None:
        """Write them as a Parquet file, whole or not at all, a row group in memory at a time."""

    def groups(self, begin: int, n: int) -> Iterator[tuple[int, int]]:
        """A range as (first, size) of the row groups of a file."""
        size = max(1, CELLS_PER_GROUP // len(self.columns))
        return ((begin + first, last - first) for first, last in split(n, size) or [(0, 0)])

    def checked_columns(self, columns: Columns) -> Columns:
        """Names of columns, which are there.

        Raises
        ------
        TypeError : no list of names. ValueError : a name given twice. KeyError : an unknown one.
        """
        if columns is None:
            return None
        names = list(in_order(columns, "columns="))
        for name in names:
            if name not in self.columns:
                raise UnknownNameError(f"columns=: no column {name!r}; there are {preview(self.columns)}")
        if len(set(names)) < len(names):
            raise ValueError(f"columns= has a name twice, got {preview(names)}")
        return names


class NetworkDraws(Draws):
    """Rows of a Bayes net."""

    def __init__(
        self,
        net: BayesNet,
        key: int,
        given: Mapping[str, object] | None = None,
        do: Mapping[str, object] | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self._schema = Schema({name: own.variable for name, own in net.conditionals.items()})
        if given is not None and is_per_row(given, self._schema):
            raise ValueError("given= has one value of each variable, the same for all rows, got rows of evidence")
        self._dtype = real_type(dtype)
        self._net, self.key, self._given = net if do is None else net.do(do), key, given
        if given is not None:
            net.sample(0, given=given, do=do, seed=0)  # what is wrong is said here and not by a worker
        self._cells = {
            cell: name for name, own in self._schema.variables.items() for cell in cells_of_variable(name, own)
        }
        self.columns = self._schema.cell_names
        sizes = self._schema.n_codes * self._schema.code_dtype.itemsize, self._schema.n_reals * self._dtype.itemsize
        self.bytes_per_row = sum(sizes)
        self._chosen: dict[frozenset[str], ChosenVariables] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without plans: a worker makes those that it needs, once."""
        return {name: own for name, own in vars(self).items() if name != "_program"} | {"_chosen": {}}

    @cached_property
    def _program(self) -> Program:
        return Program(self._net.conditionals, self._net.order)

    def _samples(self, begin: int, n: int, columns: Columns = None) -> Samples:
        """Rows of the variables that columns belong to; only what they depend on is drawn where nothing is given."""
        names = frozenset(self._schema.names if columns is None else (self._cells[own] for own in columns))
        every = len(names) == len(self._schema.names)
        if self._given is None and not every:
            own = self._variables(names)
            return Samples.of(own.sample(n, self.key, begin, self._dtype), own.schema, self.key, begin)
        samples = self._net.sample(n, given=self._given, seed=self.key, start=begin, dtype=self._dtype)
        if every:
            return samples
        chosen = Schema({name: own for name, own in self._schema.variables.items() if name in names})
        return Samples.of(values_of(samples.blocks, self._schema, chosen), chosen, self.key, begin)

    def _variables(self, names: frozenset[str]) -> ChosenVariables:
        """Some of the network's, for a later call too."""
        if names not in self._chosen:
            self._chosen[names] = ChosenVariables(self._program, names)
        return self._chosen[names]

    def frame(self, begin: int, n: int, columns: Columns = None) -> Any:
        """Ordered categoricals and floats, as ``samples.to_pandas()`` makes them."""
        frame = self._samples(begin, n, columns).to_pandas()
        frame.index = row_numbers(begin, n)
        return frame if columns is None else frame[list(columns)]

    def array(self, begin: int, n: int, columns: Columns = None) -> npt.NDArray[Any]:
        """As ``np.asarray(samples)``, of the variables that the columns belong to."""
        samples = self._samples(begin, n, columns)
        rows = np.asarray(samples)
        if columns is None:
            return rows
        place = {name: i for i, name in enumerate(samples.schema.cell_names)}
        return rows[:, [place[name] for name in columns]]

    def write(self, path: Path, begin: int, n: int) -> None:
        """Dictionary columns of labels, floats, and lists for vectors."""
        write_rows(path, (self._samples(first, size) for first, size in self.groups(begin, n)), self._schema)


class ModelDraws(Draws):
    """Rows of an autoregressive model of a fixed number of variables."""

    def __init__(self, model: AutoregressiveModel | MarkovChain, key: int) -> None:
        if model.n_vars is None:
            raise TypeError(
                "rows of a table have one length, and the sequences of this MarkovChain any: draw those by iter_samples"
            )
        if getattr(model, "n_context", 0):
            raise ValueError(f"this {type(model).__name__} is p(x | context), and rows of a cluster have no context")
        self._dtype = model.sample(0, seed=0).dtype
        self._model, self.key = model, key
        names: Sequence[str] = [f"x{i}" for i in range(model.n_vars)] if model.names is None else model.names
        self.columns = tuple(names)
        self.bytes_per_row = self._dtype.itemsize * len(names)

    def array(self, begin: int, n: int, columns: Columns = None) -> npt.NDArray[Any]:
        """As ``model.sample`` gives them; all are drawn whatever the columns."""
        rows: npt.NDArray[Any] = self._model.sample(n, seed=self.key, start=begin)
        return rows if columns is None else rows[:, [self.columns.index(name) for name in columns]]

    def frame(self, begin: int, n: int, columns: Columns = None) -> Any:
        """Codes or numbers of the model's type."""
        import pandas as pd

        names = self.columns if columns is None else columns
        return pd.DataFrame(self.array(begin, n, columns), columns=list(names), index=row_numbers(begin, n))

    def write(self, path: Path, begin: int, n: int) -> None:
        """Codes as labels, as the command line writes them; reals as they are."""
        arrays = (self.array(first, size) for first, size in self.groups(begin, n))
        if self._model.n_states is None:
            write_reals(path, arrays, list(self.columns), self._dtype)
            return
        states = dict.fromkeys(self.columns, tuple(map(str, range(self._model.n_states))))
        chunks = (np.ascontiguousarray(rows.T, code_type(self._model.n_states)) for rows in arrays)
        write_rows(path, (Samples(own, states) for own in chunks), states)


def row_numbers(begin: int, n: int) -> Any:
    """The index of a partition."""
    import pandas as pd

    return pd.RangeIndex(begin, begin + n)


def draws_of(
    model: Any,
    key: int,
    given: Mapping[str, object] | None = None,
    do: Mapping[str, object] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Draws:
    """What tasks draw from.

    Raises
    ------
    TypeError : no model of rows, and options of networks for another. The others of ``model.sample``.
    """
    if isinstance(model, BayesNet):
        return NetworkDraws(model, key, given, do, np.float32 if dtype is None else dtype)
    if not isinstance(model, AutoregressiveModel | MarkovChain):
        raise TypeError(f"rows are drawn from a BayesNet or an autoregressive model, got {type(model).__name__}")
    for name, value in {"given": given, "do": do, "dtype": dtype}.items():
        if value is not None:
            raise TypeError(f"{name}= is for Bayes nets, this is a {type(model).__name__}")
    return ModelDraws(model, key)
