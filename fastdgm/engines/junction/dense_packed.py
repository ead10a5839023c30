"""Dense programs as GPUs read them: two arrays, with places in the workspace of a block in place of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.junction import INDICATORS, MARGINALS, SCALE, SUMS, TURN, UNSCALE, DenseProgram
from ...kernels.junction_cuda import HEAD, ONES, OPERATION_WORDS, STATE_ROWS, PackedProgram
from ...kernels.junction_states import StatePlan
from ...kernels.junction_states_cuda import STATES_HEAD, VARIABLE_WORDS
from ...runtime.arrays import freeze

Array = npt.NDArray[Any]


class Known(NamedTuple):
    """What kind of thing rows say of variables; a code, or that it is missing, where nothing is said here."""

    hidden: frozenset[int] = frozenset()  # nothing, whatever the code is
    soft: tuple[tuple[int, int], ...] = ()  # variables with likelihoods, and the first row of these


class Packed(NamedTuple):
    """A program for blocks of so many threads."""

    program: PackedProgram
    n_cells: int  # of the workspace of a block


def packed(program: DenseProgram, n_threads: int, known: Known, first_cell: Mapping[int, int]) -> Packed:
    """``first_cell`` is that of the marginals of each variable among those that are filled."""
    n_rows, n_scaled, widest = map(int, program.size)
    may_flag, state = bool(n_scaled or known.soft), n_rows + n_scaled
    likelihood_row, n_state = dict(known.soft), STATE_ROWS if may_flag else 0
    lines = np.array([*program[:8]], np.int64).T  # kind, subject, first row, rows, cell, factor, cells, factors
    first_factor = HEAD + OPERATION_WORDS * len(lines)
    is_hidden = (lines[:, 0] == INDICATORS) & np.isin(lines[:, 1], [*known.hidden])
    lines[is_hidden, 0] = ONES
    read = lines[lines[:, 0] == INDICATORS, 1].tolist()
    following = iter([*read[1:], *read[-1:]])
    for line in lines:
        kind, subject = int(line[0]), int(line[1])
        line[2] *= n_threads
        if kind == SUMS:
            line[5] += first_factor
        elif kind == INDICATORS:
            line[4], line[5] = likelihood_row.get(subject, -1) + 1, next(following)
        elif kind == MARGINALS:
            line[4], line[6] = first_cell[subject], subject not in known.hidden
        if kind in (SCALE, UNSCALE):
            line[1] = (n_rows + subject) * n_threads
        if kind in (MARGINALS, TURN, UNSCALE):
            line[5] *= n_threads
    head = [
        len(lines),
        widest,
        read[0] if read else 0,
        state * n_threads if may_flag else 0,
        (state + n_state) * n_threads,
    ]
    words = _words(head, lines.ravel(), program.factor_row.astype(np.int64) * n_threads)
    own = PackedProgram(words, np.ascontiguousarray(program.weight))
    freeze(*own)
    return Packed(own, head[-1])


def packed_states(plan: StatePlan, n_threads: int) -> Array:
    """What a plan for states has beside its program: variables, scopes, configurations, and the states of cells."""
    n = len(plan.variable)
    first_factor = HEAD + OPERATION_WORDS * len(plan.program.operation)
    first_scope = STATES_HEAD + VARIABLE_WORDS * n
    first_configuration = first_scope + 2 * len(plan.scope_variable)
    first_state = first_configuration + 2 * len(plan.first_cell)
    scope = plan.scope_start.astype(np.int64)
    lines = np.array(
        [
            plan.variable,
            plan.n_factors,
            plan.step_cell,
            plan.step_factor.astype(np.int64) + first_factor,
            scope[:-1] * 2 + first_scope,
            [end - begin for begin, end in pairwise(scope)],
            plan.first_configuration[:n].astype(np.int64) * 2 + first_configuration,
        ],
        np.int64,
    ).T
    pairs = np.array([plan.scope_variable, plan.scope_stride]).T.ravel()
    cells = np.array([plan.first_cell, plan.n_cells]).T.ravel()
    words = _words([n, int(plan.result) * n_threads, first_state], lines.ravel(), pairs, cells, plan.state)
    freeze(words)
    return words


def _words(*parts: Any) -> Array:
    words = np.concatenate([np.asarray(part, np.int64) for part in parts])
    if words.max() > np.iinfo(np.uint32).max:
        raise ValueError("places in a workspace are numbers of 32 bits")
    return words.astype(np.uint32)
