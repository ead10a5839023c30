"""Models as the commands on rows see them: what their columns are, how rows are drawn, scored and written."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..data.samples import Samples
from ..data.schema import Schema
from ..data.tables import TableReader
from ..data.variables import Discrete, Real
from ..errors import NotFittedError
from ..io.rows import csv, reals, write_rows, write_scored
from ..io.rows.common import SCORE
from ..io.rows.scored import Scored
from ..runtime.arrays import code_type
from ..runtime.seeds import check_chunk, check_rows
from .codes import with_plain_codes
from .given import values_of
from .missing import n_missing
from .outputs import SCREEN

if TYPE_CHECKING:
    from ..autoregressive.base import AutoregressiveModel
    from ..bayesnet import BayesNet
    from ..conditionals.base import Conditional

CHUNK_CELLS = 1 << 23
Array = npt.NDArray[Any]


def rows_per_chunk(n_vars: int, chunk: int | None) -> int:
    """As asked for, else as many as keep a chunk at about 8 million cells."""
    return max(1, CHUNK_CELLS // n_vars) if chunk is None else check_chunk(chunk)


class RowModel(ABC):
    """A model of rows with named columns; ``schema`` is what ``read_rows`` asks for."""

    schema: Schema

    @property
    def n_vars(self) -> int:
        """Number of variables."""
        return len(self.schema.names)

    @property
    def n_cells(self) -> int:
        """How many values a row has: a vector has several."""
        return self.schema.n_codes + self.schema.n_reals

    def rows_per_chunk(self, chunk: int | None) -> int:
        """As asked for, else as many as keep a chunk at about 8 million cells."""
        return rows_per_chunk(self.n_cells, chunk)

    @abstractmethod
    def draw(self, n: int, chunk: int, seed: int, start: int) -> Iterator[Any]:
        """n rows of the seed in chunks."""

    @abstractmethod
    def log_prob(self, rows: Any) -> npt.NDArray[np.float64]:
        """Of the rows that ``read_rows`` gives."""

    def n_missing(self, rows: Any) -> int:
        """How many values of the rows, which could be scored, are missing."""
        return 0

    @abstractmethod
    def write(self, out: str, chunks: Iterable[Any]) -> None:
        """Write drawn chunks to a file or to the screen."""

    @abstractmethod
    def write_scored(self, out: str, chunks: Iterable[Scored]) -> None:
        """Write rows as they were read with one column more."""


class NetworkRows(RowModel):
    """Rows of a Bayes net: labels and numbers."""

    def __init__(self, net: BayesNet, dtype: str = "float32") -> None:
        if not net.is_fitted:
            raise NotFittedError("the network has a structure but no tables yet: fastdgm fit learns them from rows")
        self._net = net
        self._dtype_of_reals = dtype
        self.schema: Schema = Schema({name: own.variable for name, own in net.conditionals.items()})

    def draw(self, n: int, chunk: int, seed: int, start: int) -> Iterator[Samples]:
        """By the network."""
        return self._net.iter_samples(n, chunk, seed=seed, start=start, dtype=self._dtype_of_reals)

    def log_prob(self, rows: Any) -> npt.NDArray[np.float64]:
        """By the network, which takes labels and codes."""
        return self._net.log_prob(rows)

    def n_missing(self, rows: Any) -> int:
        """Those that were summed out or integrated."""
        return n_missing(rows, self.schema)

    def write(self, out: str, chunks: Iterable[Samples]) -> None:
        """As labels and numbers, in .npy as codes and numbers."""
        if out in SCREEN:
            csv.write(sys.stdout.buffer, chunks, self.schema)
        else:
            write_rows(out, chunks, self.schema)

    def write_scored(self, out: str, chunks: Iterable[Scored]) -> None:
        """As labels and numbers, in .npy as codes and numbers."""
        if out in SCREEN:
            csv.write_scored(sys.stdout.buffer, chunks, self.schema)
        else:
            write_scored(out, chunks, self.schema)


class KnownRows(NetworkRows):
    """Rows of a Bayes net in which some variables are known, or set."""

    def __init__(self, net: BayesNet, dtype: str, given: Sequence[str], do: Sequence[str]) -> None:
        super().__init__(net, dtype)
        self._known = values_of(given, net.variables, "--given")
        self._forced = values_of(do, net.variables, "--do")

    def draw(self, n: int, chunk: int, seed: int, start: int) -> Iterator[Samples]:
        """By the network, the rows of one call whatever the chunk; the first at once, so that what is wrong is told
        before anything is written."""
        n, start = check_rows(n, start)
        starts = range(start, start + max(n, 1), chunk)
        parts = (self._part(min(chunk, start + n - first), seed, first) for first in starts)
        return chain([next(parts)], parts)

    def _part(self, n: int, seed: int, start: int) -> Samples:
        known, forced = self._known or None, self._forced or None
        return self._net.sample(n, given=known, do=forced, seed=seed, start=start, dtype=self._dtype_of_reals)


class CodeRows(NetworkRows):
    """Rows of an autoregressive model of discrete variables: columns x0, x1, ... of codes, whose labels they are."""

    def __init__(self, model: AutoregressiveModel) -> None:
        assert model.n_states is not None
        self._model = model
        own = tuple(map(str, range(model.n_states)))
        self.schema: Schema = Schema(dict.fromkeys(column_names(model), Discrete(own)))
        self._dtype = code_type(model.n_states)

    def draw(self, n: int, chunk: int, seed: int, start: int) -> Iterator[Samples]:
        """By the model."""
        for rows in self._model.iter_samples(n, chunk, seed=seed, start=start):
            yield Samples(np.ascontiguousarray(rows.T), self.schema.states)

    def log_prob(self, rows: Any) -> npt.NDArray[np.float64]:
        """Of an array as it is, of a table by its columns' names."""
        rows = self._plain(rows)
        if not isinstance(rows, np.ndarray):
            rows = TableReader(rows, self.schema.states, self._dtype).read(0, len(rows)).T
        scores: npt.NDArray[np.float64] = self._model.log_prob(rows)
        return scores

    def write_scored(self, out: str, chunks: Iterable[Scored]) -> None:
        """As codes."""
        super().write_scored(out, (Scored(self._plain(rows), scores) for rows, scores in chunks))

    def n_missing(self, rows: Any) -> int:
        """None: these models refuse them."""
        return 0

    def _plain(self, rows: Any) -> Any:
        return rows if isinstance(rows, np.ndarray) else with_plain_codes(rows, self.schema.names)


class RealRows(RowModel):
    """Rows of an autoregressive model of real variables: columns x0, x1, ... of numbers."""

    def __init__(self, model: AutoregressiveModel) -> None:
        self._model = model
        self.schema: Schema = Schema(dict.fromkeys(column_names(model), Real()))

    def draw(self, n: int, chunk: int, seed: int, start: int) -> Iterator[Array]:
        """By the model."""
        return self._model.iter_samples(n, chunk, seed=seed, start=start)

    def log_prob(self, rows: Any) -> npt.NDArray[np.float64]:
        """Of an array as it is, of a table by its columns' names."""
        scores: npt.NDArray[np.float64] = self._model.log_prob(self._numbers(rows))
        return scores

    def write(self, out: str, chunks: Iterable[Array]) -> None:
        """As numbers of the model's type."""
        if out in SCREEN:
            reals.write_csv(sys.stdout.buffer, chunks, list(self.schema.names), self._model.dtype)
        else:
            reals.write_reals(out, chunks, list(self.schema.names), self._model.dtype)

    def write_scored(self, out: str, chunks: Iterable[Scored]) -> None:
        """As float64, in the model's order of columns."""
        names, dtype = [*self.schema.names, SCORE], np.dtype(np.float64)
        rows = (np.column_stack([self._numbers(chunk.rows), chunk.scores]) for chunk in chunks)
        if out in SCREEN:
            reals.write_csv(sys.stdout.buffer, rows, names, dtype)
        else:
            reals.write_reals(out, rows, names, dtype)

    def _numbers(self, rows: Any) -> Array:
        if isinstance(rows, np.ndarray):
            return rows
        from ..data.columns import matched_columns

        columns, n = matched_columns(rows, self.schema.names)
        matrix = np.empty((n, len(columns)))
        for number, name in enumerate(self.schema.names):
            matrix[:, number] = _as_floats(columns[name])
        return matrix


def row_model(model: Any, dtype: str = "float32") -> RowModel:
    """What a model of rows of one length is to the commands; ``dtype`` is that of a network's real variables.

    ValueError for a model that needs a context.
    """
    from ..bayesnet import BayesNet

    if isinstance(model, BayesNet):
        return NetworkRows(model, dtype)
    if model.n_context:
        raise ValueError(
            f"this {type(model).__name__} is p(x | context), and a command line cannot give the {model.n_context} "
            "numbers of a context: in Python, model = fastdgm.read(file), then model.sample(n, context=...) or "
            "model.log_prob(x, context=...)"
        )
    return RealRows(model) if model.n_states is None else CodeRows(model)


def known_conditionals(net: BayesNet) -> Mapping[str, Conditional]:
    """Those of a network; none where it is a structure alone."""
    try:
        return net.conditionals
    except NotFittedError:
        return {}


def column_names(model: AutoregressiveModel) -> list[str]:
    """The names of a model's columns, x0, x1, ... where it has learnt none."""
    return [f"x{number}" for number in range(model.n_vars)] if model.names is None else list(model.names)


def _as_floats(column: Any) -> Array:
    """An Arrow column of numbers, or of text that reads as numbers."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values: Array = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
