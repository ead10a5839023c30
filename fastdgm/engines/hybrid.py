"""A network -> a program: engines in topological order, and rows through them on all threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.table import CPT
from ..data.blocks import Block, Part
from ..data.schema import Schema, Values
from ..data.variables import Discrete
from ..runtime.lazy import cached_property
from ..runtime.memory import check_memory
from ..runtime.pieces import cell_ranges, run_ranges, split
from .base import Engine, Members
from .tables.run import TableEngine

Array = npt.NDArray[Any]
PACKAGE = __name__.partition(".")[0]
CELLS_OF_WHOLE = 1 << 23  # that are read together for engines that make batches of their own
FEWEST_OF_WHOLE = 1 << 12  # rows, however many cells they have

# Which kind of conditional has which engine; subclasses go with their class. Those of HOMES are imported and added when
# a network first has one, so that a network of tables does without the loops of all others.
ENGINES: dict[type[Conditional], type[Engine]] = {CPT: TableEngine}
HOMES = {
    "AutoregressiveConditional": ("autoregressive.run", "AutoregressiveEngine"),
    "Deterministic": ("functions.run", "FunctionEngine"),
    "LinearGaussian": ("gaussian.run", "GaussianEngine"),
    "Logistic": ("logistic.run", "LogisticEngine"),
    "MultivariateNormal": ("multivariate.run", "MultivariateEngine"),
    "Neural": ("torch.neural", "NeuralEngine"),
    "NoisyOr": ("logistic.run", "LogisticEngine"),
    "Root": ("roots.run", "RootEngine"),
    "Softmax": ("logistic.run", "LogisticEngine"),
}


def engine_of(conditional: Conditional) -> type[Engine]:
    """The engine of a conditional's kind. TypeError where there is none."""
    for kind in type(conditional).__mro__:
        if kind not in ENGINES and kind.__name__ in HOMES and kind.__module__.startswith(f"{PACKAGE}.conditionals."):
            module, name = HOMES[kind.__name__]
            ENGINES[kind] = getattr(import_module(f"{PACKAGE}.engines.{module}"), name)
        if kind in ENGINES:
            return ENGINES[kind]
    raise TypeError(f"no engine draws and scores a {type(conditional).__name__}")


class Segment(NamedTuple):
    """Neighbours of one kind in topological order."""

    engine: Engine
    members: Sequence[int]  # columns


class Program:
    """The conditionals of a network as engines.

    A network of tables only is one engine. Neighbours of one kind in topological order are one segment, which draws its
    members from words of its own: those of tables first, then the others in topological order.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], order: Sequence[str]) -> None:
        """``order`` is topological; variables that are not in it are known, and neither drawn nor scored."""
        column = {name: i for i, name in enumerate(conditionals)}
        self.conditionals = conditionals
        self.schema: Schema = Schema({name: own.variable for name, own in conditionals.items()})
        self._kinds = [engine_of(own) for own in conditionals.values()]
        self.order: list[int] = [column[name] for name in order]
        self.parents: list[tuple[int, ...]] = Members(conditionals, ()).parents

    @cached_property
    def scoring(self) -> tuple[Engine, ...]:
        """One engine for each kind: the order of the terms of a sum does not matter."""
        kinds = dict.fromkeys(self._kinds[v] for v in sorted(self.order))
        members = {kind: [v for v in self.order if self._kinds[v] is kind] for kind in kinds}
        return tuple(kind(Members(self.conditionals, own)) for kind, own in members.items())

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Engines in an order in which each finds the parents of its members drawn."""
        if len(self.scoring) == 1:
            return (Segment(self.scoring[0], self.order),)  # a network of tables makes its plans once
        found = self._segments()
        made: dict[int, Segment] = {}
        first_word = 0
        for i in sorted(range(len(found)), key=lambda i: found[i][0] is not TableEngine):
            kind, members = found[i]
            engine = kind(Members(self.conditionals, members), first_word)
            made[i] = Segment(engine, members)
            first_word += engine.n_words
        return tuple(made[i] for i in range(len(found)))

    def _segments(self) -> list[tuple[type[Engine], list[int]]]:
        """Members by kind, in topological order: as many as are ready, then those of the next kind."""
        waiting, drawn = list(self.order), set(range(len(self._kinds))).difference(self.order)
        segments: list[tuple[type[Engine], list[int]]] = []
        while waiting:
            kind, members = self._kinds[waiting[0]], list[int]()
            for v in waiting:
                if self._kinds[v] is kind and drawn.issuperset(self.parents[v]):
                    members.append(v)
                    drawn.add(v)
            waiting = [v for v in waiting if v not in drawn]
            segments.append((kind, members))
        return segments

    @property
    def is_tabular(self) -> bool:
        """Whether all variables are discrete, none a vector and none of a module, so that all could have tables."""
        return self._is_of_codes and not self.schema.has_discrete_vectors

    @property
    def refuses_missing(self) -> bool:
        """Whether there are discrete vectors, none of a module, and nothing real: these are not summed over."""
        return self._is_of_codes and self.schema.has_discrete_vectors

    @cached_property
    def _is_of_codes(self) -> bool:
        return self.schema.is_discrete and not any(kind.whole for kind in self._kinds)

    @property
    def n_bytes(self) -> int:
        """Memory of all plans."""
        engines = (*self.scoring, *(segment.engine for segment in self.segments))
        return sum(engine.n_bytes for engine in dict.fromkeys(engines))

    def sample(self, n: int, key: int, start: int, dtype: npt.DTypeLike = np.float32) -> Values:
        """Rows ``start`` to ``start + n`` of the stream of a key, real ones of a float type."""
        schema, kind = self.schema, np.dtype(dtype)
        what = f"a sample of {n} rows x {len(schema.names)} variables (use iter_samples for more than fits in memory)"
        check_memory(n * (schema.n_codes * schema.code_dtype.itemsize + schema.n_reals * kind.itemsize), what)
        values = Values(np.empty((schema.n_codes, n), schema.code_dtype), np.empty((schema.n_reals, n), kind))
        self.draw(values, key, start)
        return values

    def draw(self, values: Values, key: int, start: int, segments: Sequence[Segment] | None = None) -> None:
        """Draw the rows of the blocks that belong to variables in ``order``, or to some segments alone; what is known
        is there."""
        schema, n = self.schema, values.codes.shape[1]
        drawn = self.segments if segments is None else segments
        for whole, own in groupby(drawn, key=lambda segment: segment.engine.whole):
            neighbours = tuple(own)

            def work(begin: int, end: int, neighbours: Sequence[Segment] = neighbours) -> None:
                for segment in neighbours:
                    segment.engine.sample(begin, end, key, start, values)
                    if not isinstance(segment.engine, TableEngine):
                        self._check_drawn(segment, values.codes[:, begin:end])

            ranges = [(0, n)] if whole else cell_ranges(n, schema.n_codes + schema.n_reals, Block.cells_per_piece)
            run_ranges(work, ranges)

    def _check_drawn(self, segment: Segment, codes: Array) -> None:
        """Tables are looked up by what others drew: those draw states, or nobody gets any rows."""
        names, rows = self.schema.names, self.schema.rows
        for v in segment.members:
            variable = self.schema.variables[names[v]]
            if not isinstance(variable, Discrete):
                continue
            row = rows[names[v]]
            largest = int(codes[row : row + variable.size].max(initial=0))
            if largest >= variable.n_states:
                engine = type(segment.engine).__name__
                raise ValueError(f"{engine} drew code {largest} of {names[v]!r}, which has {variable.n_states} states")

    def log_prob(self, block: Block) -> npt.NDArray[np.float64]:
        """log p of every row (n,), in nats. Raises what the block makes of a code out of range."""
        out = np.empty(block.n)
        in_pieces = [engine for engine in self.scoring if not engine.whole]
        if in_pieces:
            self._log_prob_in_pieces(in_pieces, block, out)
        else:
            out[:] = 0.0
        for engines, part, begin, end in self._whole_parts(block):
            term = np.empty(end - part.first)
            for engine in engines:
                engine.log_prob(begin - part.first, end - part.first, part, term)
                out[begin:end] += term[begin - part.first :]
        return out

    def _log_prob_in_pieces(self, engines: Sequence[Engine], block: Block, out: npt.NDArray[np.float64]) -> None:
        """out = the sum over engines that take rows piece by piece, on all threads."""
        first, *others = engines
        in_place = first.in_place.intersection(*(engine.in_place for engine in others))

        def work(begin: int, end: int) -> int:
            part = block.read(begin, end, in_place)
            rows = begin - part.first, end - part.first
            total = out[part.first :]
            bad = first.log_prob(*rows, part, total)
            for engine in others:
                term = np.empty(rows[1])
                bad = max(bad, engine.log_prob(*rows, part, term))
                total[rows[0] : rows[1]] += term[rows[0] :]
            return bad if bad < 0 else part.first + bad

        self._run(work, block)

    def _whole_parts(self, block: Block) -> Iterator[tuple[Sequence[Engine], Part, int, int]]:
        """Engines that make batches of their own, with as many rows as are read for them at once."""
        engines = [engine for engine in self.scoring if engine.whole]
        size = max(FEWEST_OF_WHOLE, CELLS_OF_WHOLE // (self.schema.n_codes + self.schema.n_reals))
        for begin, end in split(block.n, size) if engines else ():
            yield engines, block.read(begin, end), begin, end

    def log_prob_per_variable(self, block: Block) -> npt.NDArray[np.float64]:
        """Its terms (n_vars, n)."""
        n, n_vars = block.n, len(self.schema.names)
        check_memory(8 * n * n_vars, f"log_prob per variable of {n} rows x {n_vars} variables")
        out = np.empty((n_vars, n))
        in_pieces = [engine for engine in self.scoring if not engine.whole]
        in_place = self.scoring[0].in_place & {"columns"} if len(self.scoring) == 1 else ()

        def work(begin: int, end: int) -> int:
            part = block.read(begin, end, in_place)
            terms = out if part.first == 0 else np.empty((n_vars, end - begin))
            bad = max(
                engine.log_prob_per_variable(begin - part.first, end - part.first, part, terms) for engine in in_pieces
            )
            if terms is not out:
                out[:, begin:end] = terms
            return bad if bad < 0 else part.first + bad

        if in_pieces:
            self._run(work, block)
        for engines, part, begin, end in self._whole_parts(block):
            for engine in engines:
                engine.log_prob_per_variable(begin - part.first, end - part.first, part, out[:, part.first :])
        return out

    def _run(self, work: Callable[[int, int], int], block: Block) -> None:
        """work(begin, end) for all rows; raises the error for the first that it reports."""
        ranges = cell_ranges(block.n, self.schema.n_codes + self.schema.n_reals, block.cells_per_piece)
        bad = min((row for row in run_ranges(work, ranges) if row >= 0), default=-1)
        if bad >= 0:
            raise block.explain(bad)
