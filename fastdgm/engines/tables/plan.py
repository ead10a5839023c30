"""Model -> plan: the flat arrays that the kernels read. The only place that knows their layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ...conditionals.base import states_of
from ...conditionals.table import MAX_AXES
from ...kernels.alias import fill_slots
from ...kernels.cpt import SamplingPlan, ScoringPlan
from ...runtime.arrays import code_type
from ...runtime.lazy import cached_property
from ...runtime.memory import check_memory
from ..base import Members
from .clusters import SCORING_CELLS, field_bits, sampling_clusters, scoring_clusters, slot_bits

Array = npt.NDArray[Any]
LARGEST_TABLE = 1 << 31  # cells, so that indices fit 32 bits
COUNTING_BYTES = 48  # per cell: four count tables, their sum, marginals, the new table
SAMPLING_BYTES = 32  # up to two slots of 12 bytes, and the joint table
SCORING_BYTES = 24  # logarithms, their sum, the table


class Structure:
    """What counting needs: parents and numbers of states. Variables are numbered by column (declaration order)."""

    def __init__(
        self,
        parents: Mapping[str, Sequence[str]],
        states: Mapping[str, tuple[str, ...]],
        columns: Sequence[int] | None = None,
    ) -> None:
        column = {name: i for i, name in enumerate(parents)}
        self.names: list[str] = list(parents)
        self.parents: list[tuple[int, ...]] = [tuple(column[parent] for parent in own) for own in parents.values()]
        self.states: dict[str, tuple[str, ...]] = {
            name: states[name] for name in parents
        }  # in the order of the columns, like everything here
        self.n_states: list[int] = [len(own) for own in self.states.values()]
        self.columns: list[int] = list(range(len(self.names)) if columns is None else columns)  # whose tables these are

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the codes: uint8 up to 256 states."""
        return code_type(max(self.n_states))

    @cached_property
    def largest(self) -> Array:
        """Largest code of every variable."""
        return np.array([k - 1 for k in self.n_states], self.dtype)

    @cached_property
    def families(self) -> list[tuple[int, ...]]:
        """Parents, then the variable, for every column: the axes of its table."""
        return [(*own, v) for v, own in enumerate(self.parents)]

    def check_tables(self, bytes_per_cell: int, purpose: str) -> None:
        """Refuse tables that cannot be indexed or held; computed in Python ints before anything is allocated."""
        cells = {v: prod(self.n_states[axis] for axis in self.families[v]) for v in self.columns}
        largest = max(cells, key=cells.__getitem__)
        figure = cells[largest] if cells[largest] < 2**63 else f"at least 2**{cells[largest].bit_length() - 1}"
        own = f"the table of {self.names[largest]!r} with {len(self.parents[largest])} parents has {figure} cells"
        if cells[largest] > LARGEST_TABLE:
            raise ValueError(f"a table has at most 2**31 cells, {own}")
        total = sum(cells.values())
        check_memory(bytes_per_cell * total, f"{purpose} with tables of {total} cells ({own})")
        widest = max(self.columns, key=lambda v: len(self.families[v]))
        if len(self.families[widest]) > MAX_AXES:
            raise ValueError(
                f"a table has at most {MAX_AXES} axes, one per parent and the child's own, that of "
                f"{self.names[widest]!r} needs {len(self.families[widest])}: leave out parents of one state"
            )

    @cached_property
    def scoring_clusters(self) -> list[list[int]]:
        """Families that are looked up, or counted, in one table."""
        clusters = scoring_clusters(tuple(self.families[v] for v in self.columns), tuple(self.n_states))
        return [[self.columns[i] for i in own] for own in clusters]

    @cached_property
    def counting(self) -> ScoringPlan:
        """The layout of the scoring tables without their contents."""
        self.check_tables(COUNTING_BYTES, "counting")
        return _scope_plan(self, self.scoring_clusters)


class Plans(Structure):
    """The plans of variables that have tables, each made at first use."""

    def __init__(self, members: Members, first_word: int = 0) -> None:
        members = members.discrete  # what real parents another kind of conditional has is no matter of tables
        names = members.conditionals
        parents = {name: tuple(p for p in own.parents if p in names) for name, own in names.items()}
        super().__init__(parents, {name: states_of(own.variable) for name, own in names.items()})
        self.order: list[int] = list(members.columns)
        self.columns: list[int] = sorted(members.columns)
        self.first_word = first_word
        conditionals = list(members.conditionals.values())
        self.tables: dict[int, Array] = {v: conditionals[v].parameters()["table"] for v in self.columns}

    @cached_property
    def sampling_clusters(self) -> list[list[int]]:
        """Members of each cluster, in drawing order: fixed by the structure."""
        return sampling_clusters(tuple(self.parents), tuple(self.n_states), tuple(self.order))

    @cached_property
    def sampling(self) -> SamplingPlan:
        """Fused alias tables."""
        self.check_tables(SAMPLING_BYTES, "sampling")
        return _sampling_plan(self, self.sampling_clusters)

    @cached_property
    def scoring(self) -> ScoringPlan:
        """Fused tables of summed log-probabilities."""
        self.check_tables(SCORING_BYTES, "scoring")
        return _scoring_plan(self, self.scoring_clusters)

    def scoring_of_states(self, v: int) -> ScoringPlan:
        """Fused tables without variable v, one for each of its states."""
        self.check_tables(SCORING_BYTES, "scoring")
        return _scoring_of_states_plan(self, v)

    @cached_property
    def scoring_per_variable(self) -> ScoringPlan:
        """One table per variable, in column order."""
        return _scoring_plan(self, [[v] for v in self.columns])

    @property
    def n_bytes(self) -> int:
        """Memory of the sampling and scoring plans."""
        return sum(array.nbytes for plan in (self.sampling, self.scoring) for array in plan)


def spread(table: Array, axes: Sequence[int], scope: Sequence[int]) -> Array:
    """View ``table``, whose axes are the variables ``axes``, along the axes of ``scope`` (1 where it has none).

    Variables that ``scope`` lacks have one state.
    """
    place = {v: i for i, v in enumerate(scope)}
    kept = [i for i, v in enumerate(axes) if v in place]
    table = table.reshape([table.shape[i] for i in kept])
    order = sorted(range(len(kept)), key=lambda i: place[axes[kept[i]]])
    shape = [1] * len(scope)
    for i in order:
        shape[place[axes[kept[i]]]] = table.shape[i]
    return table.transpose(order).reshape(shape)


def _array_axes(net: Structure, scope: Sequence[int]) -> list[int]:
    """The variables of a scope with more than one state: an array has 64 axes at most, one state needs none."""
    return [v for v in scope if net.n_states[v] > 1]


def _strides(sizes: Sequence[int]) -> list[int]:
    """Strides of a C-ordered array."""
    return [prod(sizes[i + 1 :]) for i in range(len(sizes))]


def _starts(lengths: Sequence[int], dtype: npt.DTypeLike) -> Array:
    return np.array([0, *accumulate(lengths)], dtype=dtype)


def _flat(lists: Sequence[Sequence[int]]) -> Array:
    return np.array([x for own in lists for x in own], dtype=np.uint32)


def _scope(net: Structure, families: Sequence[int]) -> list[int]:
    return sorted({v for f in families for v in net.families[f]})


def _scope_plan(net: Structure, clusters: Sequence[Sequence[int]]) -> ScoringPlan:
    scopes = [_scope(net, families) for families in clusters]
    sizes = [[net.n_states[v] for v in scope] for scope in scopes]
    return ScoringPlan(
        scope_start=_starts([len(scope) for scope in scopes], np.uint32),
        scope_column=_flat(scopes),
        scope_stride=_flat([_strides(own) for own in sizes]),
        table_start=_starts([prod(own) for own in sizes], np.uint64),
        table=np.empty(0),
    )


def _scoring_plan(net: Plans, clusters: Sequence[Sequence[int]]) -> ScoringPlan:
    with np.errstate(divide="ignore"):
        logs = {v: np.log(table) for v, table in net.tables.items()}
    tables = []
    for families in clusters:
        scope = _array_axes(net, _scope(net, families))
        table = np.zeros([net.n_states[v] for v in scope])
        for f in families:
            table += spread(logs[f], net.families[f], scope)
        tables.append(table.ravel())
    return _scope_plan(net, clusters)._replace(table=np.concatenate(tables))


def _scoring_of_states_plan(net: Plans, v: int) -> ScoringPlan:
    """The tables of a cluster, one for each state of v, come one after the other: v is the first axis of all."""
    n_states = net.n_states[v]
    scopes = [tuple(u for u in net.families[f] if u != v) for f in net.columns]
    found = scoring_clusters(tuple(scopes), tuple(net.n_states), max(SCORING_CELLS // n_states, 1))
    clusters = [[net.columns[i] for i in own] for own in found]
    outer = [[u for u in _scope(net, families) if u != v] for families in clusters]
    sizes = [[net.n_states[u] for u in scope] for scope in outer]
    tables = []
    with np.errstate(divide="ignore"):
        for families, scope in zip(clusters, outer, strict=True):
            axes = [v, *_array_axes(net, scope)]
            table = np.zeros([net.n_states[u] for u in axes])
            for f in families:
                table += spread(np.log(net.tables[f]), net.families[f], axes)
            tables.append(table.ravel())
    return ScoringPlan(
        scope_start=_starts([len(scope) for scope in outer], np.uint32),
        scope_column=_flat(outer),
        scope_stride=_flat([_strides(own) for own in sizes]),
        table_start=_starts([table.size for table in tables], np.uint64),
        table=np.concatenate(tables),
    )


def family_counts(net: Structure, counts: Array) -> list[Array]:
    """Cell counts of the counting plan -> one count table per variable, with the axes of its CPT."""
    tables: list[Array] = [np.empty(0)] * len(net.families)
    starts = net.counting.table_start
    for c, families in enumerate(net.scoring_clusters):
        scope = _array_axes(net, _scope(net, families))
        joint = counts[int(starts[c]) : int(starts[c + 1])].reshape([net.n_states[v] for v in scope])
        for f in families:
            axes = _array_axes(net, net.families[f])
            marginal = joint.sum(axis=tuple(i for i, v in enumerate(scope) if v not in axes))
            kept = [v for v in scope if v in axes]
            own = marginal.transpose([kept.index(v) for v in axes])
            tables[f] = own.reshape([net.n_states[v] for v in net.families[f]])
    return tables


def joint_table(net: Plans, members: Sequence[int]) -> tuple[list[int], Array]:
    """Parents outside of a cluster, and P(members | those parents) as (parent configurations, joint states)."""
    outside = sorted({p for v in members for p in net.parents[v]} - set(members))
    scope = _array_axes(net, [*outside, *members])
    joint = np.ones([net.n_states[v] for v in scope])
    for v in members:
        joint *= spread(net.tables[v], net.families[v], scope)
    return outside, joint.reshape(prod(net.n_states[v] for v in outside), -1)


def _sampling_plan(net: Plans, clusters: Sequence[Sequence[int]]) -> SamplingPlan:
    columns, strides, shifts, masks, bits, slots, fine = [], [], [], [], [], [], []
    for members in clusters:
        outside, joint = joint_table(net, members)
        b = slot_bits(int(np.count_nonzero(joint, axis=1).max()))
        widths = [field_bits(net.n_states[v]) for v in members]
        shift = [0, *accumulate(widths[:-1])]
        codes = np.indices([net.n_states[v] for v in members], dtype=np.uint32).reshape(len(members), -1)
        outcomes = (codes << np.array(shift, np.uint32)[:, None]).sum(axis=0, dtype=np.uint32)
        own_slots = np.empty((len(joint), 1 << b), np.uint64)
        own_fine = np.empty((len(joint), 1 << b), np.uint32)
        fill_slots(joint, outcomes, np.uint64(b), own_slots, own_fine)
        columns.append(outside)
        strides.append([s << b for s in _strides([net.n_states[v] for v in outside])])
        shifts.append(shift)
        masks.append([(1 << width) - 1 for width in widths])
        bits.append(b)
        slots.append(own_slots.ravel())
        fine.append(own_fine.ravel())
    return SamplingPlan(
        parent_start=_starts([len(c) for c in columns], np.uint32),
        parent_column=_flat(columns),
        parent_stride=_flat(strides),
        member_start=_starts([len(c) for c in clusters], np.uint32),
        member_column=_flat(clusters),
        member_shift=_flat(shifts),
        member_mask=_flat(masks),
        slot_bits=np.array(bits, np.uint32),
        table_start=_starts([s.size for s in slots], np.uint64),
        slots=np.concatenate(slots),
        fine=np.concatenate(fine),
        first_word=np.uint64(net.first_word),
    )


def clusters_of(plan: SamplingPlan, first: int, last: int) -> SamplingPlan:
    """Clusters ``first`` to ``last`` of a plan, with the words that they have in it; tables are shared."""
    parents = slice(plan.parent_start[first], plan.parent_start[last])
    members = slice(plan.member_start[first], plan.member_start[last])
    tables = slice(plan.table_start[first], plan.table_start[last])
    return SamplingPlan(
        parent_start=plan.parent_start[first : last + 1] - plan.parent_start[first],
        parent_column=plan.parent_column[parents],
        parent_stride=plan.parent_stride[parents],
        member_start=plan.member_start[first : last + 1] - plan.member_start[first],
        member_column=plan.member_column[members],
        member_shift=plan.member_shift[members],
        member_mask=plan.member_mask[members],
        slot_bits=plan.slot_bits[first:last],
        table_start=plan.table_start[first : last + 1] - plan.table_start[first],
        slots=plan.slots[tables],
        fine=plan.fine[tables],
        first_word=np.uint64(plan.first_word + np.uint64(first)),
    )
