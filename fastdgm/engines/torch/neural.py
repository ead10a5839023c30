"""The engine of Neural conditionals: modules in torch, batch by batch; draws and log-probabilities in kernels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...conditionals.context import context_width
from ...conditionals.neural import Neural
from ...conditionals.neural_inputs import module_device, module_dtype
from ...conditionals.neural_probe import check_defined
from ...data.blocks import Part
from ...data.schema import Values
from ...data.variables import Discrete, Variable
from ...kernels.module_features import Features
from ...kernels.module_reals import MixtureParts, NormalParts
from ...kernels.module_tiles import Cells
from ...runtime.arrays import read_only
from ...runtime.pieces import run_ranges, work_ranges
from ...runtime.torch_modules import evaluating
from ..base import Engine, Members
from .batches import in_batches, rows_at_once
from .features import features_plan
from .neural_loops import LOOPS

Array = npt.NDArray[Any]

FEATURE_WORK = 100  # multiply-adds that a feature costs, for its share of the threads
CELL_WORK = 200  # multiply-adds that a cell costs, for its share of the threads
COMPONENTS = 8  # of a mixture, as far as its size is known before its module is called


class NeuralMember(NamedTuple):
    """A neural variable of the network."""

    number: int
    name: str
    own: Neural
    row: int  # its first row of its block
    word: int  # its first random word
    parents: Sequence[int]
    cells: Array | None = None  # those that are scored; None: all

    @property
    def size(self) -> int:
        """How many cells it has, as far as they are scored."""
        return self.own.variable.size if self.cells is None else len(self.cells)


class NeuralEngine(Engine):
    """Variables whose parameters torch modules compute; a member draws from a word for each of its cells (two, of a
    mixture)."""

    whole = True

    def __init__(self, members: Members, first_word: int = 0) -> None:
        names, conditionals = list(members.conditionals), list(members.conditionals.values())
        self._variables, self._rows = members.variables, members.rows
        parents = members.parents
        self._members: dict[int, NeuralMember] = {}
        self._n_words = 0
        for v in members.columns:
            own = conditionals[v]
            assert isinstance(own, Neural)
            self._members[v] = NeuralMember(v, names[v], own, self._rows[v], first_word + self._n_words, parents[v])
            self._n_words += own.variable.size * (2 if own.family == "mixture" else 1)
        self._plans = {
            v: features_plan([(self._variables[p], self._rows[p]) for p in parents[v]]) for v in self._members
        }
        self._n_features = {v: sum(context_width(self._variables[p]) for p in parents[v]) for v in self._members}

    @property
    def n_words(self) -> int:
        """One for each cell, two of mixtures."""
        return self._n_words

    @property
    def members(self) -> tuple[NeuralMember, ...]:
        """The variables, parents first."""
        return tuple(self._members.values())

    def features_of(self, member: NeuralMember) -> tuple[Features, int]:
        """Which rows of the blocks are the features of its parents, and how many features they are."""
        return self._plans[member.number], self._n_features[member.number]

    def variable_rows(self, v: int) -> tuple[Variable, int]:
        """A variable of the network, and its first row of its block."""
        return self._variables[v], self._rows[v]

    def rows_of_batch(self, member: NeuralMember) -> int:
        """Of one call of its module."""
        n_each = len(member.own.states) if member.own.family == "categorical" and member.own.states else 1
        n_each = 3 * COMPONENTS if member.own.family == "mixture" else n_each
        return rows_at_once(
            module_device(member.own.module).type, self._n_features[member.number] + 2 * n_each * member.size
        )

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members in order. Raises ValueError where a module's parameters are none, MemoryError."""
        for member in self._members.values():
            for first, last, parts in self._batches(member, begin, end, values.codes, values.reals):
                bad = _draw(member, parts, first, last, np.uint64(key), np.uint64(start % 2**64), values)
                if bad >= 0:
                    raise undefined_parameters("cannot be drawn", member, parts, bad - first, start + first)

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """The sum over the members. Raises ValueError where a module's parameters are none, MemoryError."""
        out[begin:end] = 0.0
        for member in self._members.values():
            self._add_terms(member, begin, end, part, out)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Member after member."""
        for v, member in self._members.items():
            out[v, begin:end] = 0.0
            self._add_terms(member, begin, end, part, out[v])
        return -1

    def log_prob_of_states(self, begin: int, end: int, part: Part, row: int, out: npt.NDArray[np.float64]) -> None:
        """A module is called once where its parents are not what changes."""
        out[:, begin:end] = 0.0
        codes = part.codes.copy()
        changed = part._replace(codes=read_only(codes))
        for member in self._members.values():
            if any(row in self._code_rows(p) for p in member.parents):
                for k in range(len(out)):
                    codes[row] = k
                    self._add_terms(member, begin, end, changed, out[k])
            elif row in self._code_rows(member.number):
                for first, last, parts in self._batches(member, begin, end, part.codes, part.reals):
                    for k in range(len(out)):
                        codes[row] = k
                        self._add_scores(member, parts, first, last, changed, out[k])
            else:
                terms = np.zeros(end)
                self._add_terms(member, begin, end, part, terms)
                out[:, begin:end] += terms[begin:]

    def of_cells(self, cells: Mapping[int, Sequence[int]]) -> NeuralEngine:
        """By leaving out parameters and values of the other cells."""
        own = copy(self)
        chosen = {v: self._members[v]._replace(cells=np.array(each)) for v, each in cells.items()}
        own._members = {**self._members, **chosen}
        return own

    def _code_rows(self, v: int) -> range:
        """The rows of the block of codes that are variable v; none of a real one."""
        first, variable = self._rows[v], self._variables[v]
        return range(first, first + variable.size) if isinstance(variable, Discrete) else range(0)

    def _add_terms(self, member: NeuralMember, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> None:
        """out += the member's terms."""
        for first, last, parts in self._batches(member, begin, end, part.codes, part.reals):
            self._add_scores(member, parts, first, last, part, out)

    def _add_scores(
        self,
        member: NeuralMember,
        parts: Sequence[Array],
        first: int,
        last: int,
        part: Part,
        out: npt.NDArray[np.float64],
    ) -> None:
        """out += the terms of one batch, whose parameters are known."""
        loop = LOOPS[f"log_prob {member.own.family}", "cpu"]
        block = part.codes if member.own.states is not None else part.reals
        at = Cells(member.row, first, np.uint64(0))
        if member.cells is not None:
            block, at = _chosen(block[:, first:last], member.row + member.cells), Cells(0, 0, np.uint64(0))
            sizes = len(parts[0]), member.own.variable.size, -1
            parts = [np.ascontiguousarray(own.reshape(sizes)[:, member.cells]) for own in parts]
        parameters = _parameters(member, parts, part.reals)
        terms = np.zeros(at.first + last - first)

        def score(a: int, b: int) -> None:
            loop(at.first + a, at.first + b, at, parameters, block, terms)

        run_ranges(score, work_ranges(last - first, member.size * CELL_WORK))
        terms = terms[at.first :]
        defined = terms < np.inf
        if not defined.all():
            raise undefined_parameters("has no log_prob", member, parts, int(np.argmin(defined)), part.first + first)
        out[first:last] += terms

    def _batches(
        self, member: NeuralMember, begin: int, end: int, codes: Array, reals: Array
    ) -> Iterator[tuple[int, int, list[Array]]]:
        """(first, last, what the module gives for these rows)."""
        work = partial(self._called, member, codes, reals)
        return in_batches(begin, end, self.rows_of_batch(member), work, f"the module of {member.name!r}")

    def _called(self, member: NeuralMember, codes: Array, reals: Array, first: int, last: int) -> list[Array]:
        """The parameters of rows ``first`` to ``last``."""
        import torch

        call, n = member.own.call, last - first
        if member.own.separate:
            columns = [torch.from_numpy(self._column(p, first, last, codes, reals)) for p in member.parents]
            with evaluating(call.module):
                outputs = call.outputs(member.name, columns, n)
        else:
            kind, device = module_dtype(call.module), module_device(call.module)
            features = torch.from_numpy(self._features(member, kind == torch.float64, first, last, codes, reals))
            with evaluating(call.module):
                outputs = call.outputs_of(member.name, [features.to(device, kind)], n)
        return [output.detach().contiguous().cpu().numpy() for output in outputs]

    def _features(self, member: NeuralMember, wide: bool, first: int, last: int, codes: Array, reals: Array) -> Array:
        """(n, n_features) of a member's parents."""
        n, plan = last - first, self._plans[member.number]
        out = np.empty((n, self._n_features[member.number]), np.float64 if wide else np.float32)

        def assemble(begin: int, end: int) -> None:
            LOOPS["features", "cpu"](begin, end, plan, first, read_only(codes), read_only(reals), out)

        run_ranges(assemble, work_ranges(n, out.shape[1] * FEATURE_WORK))
        return out

    def _column(self, p: int, first: int, last: int, codes: Array, reals: Array) -> Array:
        """(n, *event_shape) of variable p: a copy, because a module may write into what it is given."""
        variable = self._variables[p]
        block = codes if isinstance(variable, Discrete) else reals
        own = block[self._rows[p] : self._rows[p] + variable.size, first:last]
        return np.array(own.T, order="C").reshape(last - first, *variable.event_shape)

    @property
    def n_bytes(self) -> int:
        """Of the features' plans: parameters stay in the modules."""
        return sum(own.nbytes for plan in self._plans.values() for own in plan)


def _chosen(block: Array, rows: Array) -> Array:
    """Some rows of a block, as a loop takes them."""
    return read_only(np.ascontiguousarray(block[rows]))


def _draw(
    member: NeuralMember,
    parts: Sequence[Array],
    first: int,
    last: int,
    key: np.uint64,
    start: np.uint64,
    values: Values,
) -> int:
    """Draw columns ``first`` to ``last``, on all threads; returns -1 or one whose parameters are none."""
    loop = LOOPS[f"sample {member.own.family}", "cpu"]
    block = values.reals if member.own.states is None else values.codes
    cells, parameters = Cells(member.row, first, np.uint64(member.word)), _parameters(member, parts, values.reals)

    def work(begin: int, end: int) -> int:
        return int(loop(first + begin, first + end, key, start, cells, parameters, block))

    found = run_ranges(work, work_ranges(last - first, member.size * CELL_WORK))
    return min((row for row in found if row >= 0), default=-1)


def _parameters(member: NeuralMember, parts: Sequence[Array], reals: Array) -> Any:
    """What the loops of a family take: those of real variables in the type of the numbers, or wider."""
    own, n = member.own, len(parts[0])
    if own.family == "bernoulli":
        return parts[0].reshape(n, member.size)
    if own.family == "categorical":
        return parts[0].reshape(n, member.size, -1)
    kind = np.result_type(reals, *parts)
    first, *others = (part.astype(kind, copy=False).reshape(n, member.size, -1) for part in parts)
    if own.family == "mixture":
        return MixtureParts(first, *others)
    log_std = others[0][..., 0] if others else np.full((1, member.size), math.log(own.std or 1.0), kind)
    return NormalParts(first[..., 0], log_std)


def undefined_parameters(what: str, member: NeuralMember, parts: Sequence[Array], row: int, first: int) -> ValueError:
    """The error for parameters that are none in row ``row`` of a batch or after it; row 0 has the number ``first``."""
    for name, values in zip(member.own.call.parts, parts, strict=True):
        check_defined(member.name, name, values[row:], first=first + row)
    came = "; ".join(
        f"{name} {values[row].reshape(-1)[:4]}" for name, values in zip(member.own.call.parts, parts, strict=True)
    )
    return ValueError(
        f"row {first + row} {what}: what the module of {member.name!r} gives from there on leaves the range of its "
        f"type, or is no distribution: {came}"
    )
