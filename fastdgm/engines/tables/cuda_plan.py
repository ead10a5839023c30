"""Plans of tables as the twins read them: packed into two buffers, the small tables marked for shared memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.cpt import SamplingPlan, ScoringPlan
from ...kernels.cpt_cuda import DRAWN
from ...kernels.cpt_scoring_cuda import SCOPE
from ...kernels.packed_tables_cuda import FINE, NOWHERE

Array = npt.NDArray[Any]
SHARED_BYTES = 48 << 10  # that a block of any card has without being asked for more
LARGEST = (1 << 32) - 1  # of what 32 bits count


class PackedTables(NamedTuple):
    """What ``kernels/packed_tables_cuda.py`` describes: words, cells of 8 bytes, and the shared memory of a block."""

    words: Array
    cells: Array
    shared_bytes: int


def packed_sampling(plan: SamplingPlan) -> PackedTables:
    """Slots are copied to shared memory where all have room there: a part would take the room of the others' cache."""
    sizes = [int(size) for size in np.diff(plan.table_start)]
    room = SHARED_BYTES // plan.slots.itemsize
    copies = _copies(sizes, room if sum(sizes) <= room else 0)
    words = [len(sizes), int(plan.first_word), 0]
    for c, size in enumerate(sizes):
        parents, members = _run(plan.parent_start, c), _run(plan.member_start, c)
        outside = _in_pairs(list(zip(plan.parent_column[parents], plan.parent_stride[parents], strict=True)))
        fields = zip(plan.member_shift[members], plan.member_mask[members], strict=True)
        drawn = zip(plan.member_column[members], (shift | mask << 16 for shift, mask in fields), strict=True)
        at_members = len(words) + DRAWN + 2 * len(outside)
        after = at_members + 2 * (members.stop - members.start)
        words += [after, int(plan.table_start[c]), size - 1, copies[c], size, plan.slot_bits[c], at_members, after]
        words += [number for pair in (*outside, *drawn) for number in pair]
    words[FINE] = len(words)
    return PackedTables(_as_words(words, plan.fine), plan.slots, _shared(copies, sizes, plan.slots.itemsize))


def packed_scoring(
    plan: ScoringPlan, largest: Array, rows: Sequence[int] = (), n_tables: int = 1, bytes_per_cell: int = 8
) -> PackedTables:
    """Tables of logarithms, or of counts of so many bytes, have copies in shared memory as far as there is room.

    ``rows`` says whose table each is, where terms are asked for; there may be several tables, one after the other.
    """
    sizes = [int(size) for size in np.diff(plan.table_start)]
    copies = _copies(sizes, SHARED_BYTES // bytes_per_cell)
    words = [len(sizes), 0, 0]
    for c, size in enumerate(sizes):
        own = _run(plan.scope_start, c)
        columns = plan.scope_column[own]
        scope = _in_pairs(list(zip(columns, plan.scope_stride[own], largest[columns], strict=True)))
        row = rows[c] if rows else 0
        after = len(words) + SCOPE + 3 * len(scope)
        last = size // n_tables - 1
        words += [after, int(plan.table_start[c]), last, copies[c], size, len(scope) // 2, row]
        words += [number for variable in scope for number in variable]
    return PackedTables(_as_words(words), plan.table, _shared(copies, sizes, bytes_per_cell))


def _run(starts: Array, c: int) -> slice:
    return slice(int(starts[c]), int(starts[c + 1]))


def _in_pairs(variables: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The variables, of which the twins read two at a time: an odd one is followed by itself with a stride of 0."""
    if len(variables) % 2:
        column, _, *others = variables[-1]
        variables.append((column, 0, *others))
    return variables


def _copies(sizes: Sequence[int], room: int) -> list[int]:
    """Where the copy of each table begins in shared memory of so many cells; NOWHERE of those without."""
    copies, used = [NOWHERE] * len(sizes), 0
    for c in sorted(range(len(sizes)), key=sizes.__getitem__):
        if used + sizes[c] <= room:
            copies[c] = used
            used += sizes[c]
    return copies


def _shared(copies: Sequence[int], sizes: Sequence[int], bytes_per_cell: int) -> int:
    """Bytes of the copies."""
    return bytes_per_cell * sum(size for copy, size in zip(copies, sizes, strict=True) if copy != NOWHERE)


def _as_words(words: Sequence[int], fine: Array | None = None) -> Array:
    """Numbers as uint32, and the fine parts of slots after them."""
    if max(words) > LARGEST:
        raise ValueError(f"a GPU takes tables of at most 2**32 cells together, got {max(words)}")
    own = np.array(words, np.uint32)
    return own if fine is None else np.concatenate([own, fine])
