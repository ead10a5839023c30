"""Memory that one thread works in while it answers rows, one batch after the other; it only grows, up to a limit."""

from __future__ import annotations

import numpy as np

from ...kernels.sliced import (
    FREE,
    N_COUNTERS,
    NOTHING,
    SlicedLowering,
    SlicedMemory,
    SlicedNetwork,
    SlicedPrograms,
    SlicedRows,
)
from ...kernels.sliced_rows import TILE, Tile
from ...runtime.memory import check_memory

BATCH_STATES = 1 << 17  # rows x variables of a batch
MOST_ROWS = 1024  # of a batch
SLOTS = 1 << 15  # for programs; half of them may be taken
WORDS = 1 << 21  # of programs, at first
MOST_KEPT = 1 << 23  # cells that are kept from one call to the next: 64 MiB


class Workspace:
    """Rows of a batch, programs of the patterns seen so far, and cells to run them on."""

    def __init__(self, network: SlicedNetwork, most_cells: int) -> None:
        n_vars = network.n_vars
        self.n_rows: int = max(TILE, min(MOST_ROWS, BATCH_STATES // n_vars) // TILE * TILE)
        self.rows: SlicedRows = _rows(self.n_rows, n_vars)
        self.tile: Tile = _tile(n_vars)
        self.programs: SlicedPrograms = _programs(n_vars, WORDS + 32 * n_vars)
        self.lowering: SlicedLowering = _lowering(n_vars, len(network.touching), most_cells)
        self.memory: SlicedMemory = _memory(network, 1 << 12, 1)

    def make_room(self, larger: bool) -> None:
        """Forgets all programs; takes twice the memory for them where those of one row alone did not fit."""
        if larger:
            n_words, n_slots = 2 * self.programs.n_words, 2 * self.programs.n_slots
            words, slots = np.empty(n_words, np.int32), np.empty(n_slots, np.int32)
            self.programs = self.programs._replace(n_words=n_words, words=words, n_slots=n_slots, slots=slots)
        self.programs.slots[:] = FREE
        self.programs.alone[:] = FREE
        self.programs.used[:2] = 0

    def cells(self, network: SlicedNetwork, with_slopes: bool) -> SlicedMemory:
        """Memory for the programs that were asked for."""
        needed, memory = int(self.programs.used[2]), self.memory
        if needed > len(memory.cells) or (with_slopes and needed > len(memory.slopes)):
            size = max(needed + needed // 4, len(memory.cells))
            check_memory(
                8 * size * (2 if with_slopes else 1), f"the sums over what is hidden in a row, {needed} cells,"
            )
            self.memory = _memory(network, size, size if with_slopes else 1)
        return self.memory

    def give_up_large(self, network: SlicedNetwork) -> None:
        """Keeps no more cells than most rows need."""
        if len(self.memory.cells) + len(self.memory.slopes) > MOST_KEPT:
            self.memory = _memory(network, 1 << 12, 1)
            self.programs.used[2] = 0


def _rows(n_rows: int, n_vars: int) -> SlicedRows:
    return SlicedRows(
        states=np.empty(n_rows * n_vars, np.int32),
        log_p=np.empty(n_rows),
        status=np.empty(n_rows, np.uint8),
        n_likelihoods=0,
        likelihoods=np.empty(0),
        likelihood_start=np.full(n_vars, -1, np.int32),
        likelihood_bits=np.zeros(n_rows, np.int32),
        component_start=np.zeros(n_rows + 1, np.int32),
        component=np.empty(n_rows * n_vars, np.int32),
    )


def _tile(n_vars: int) -> Tile:
    return Tile(
        states=np.zeros(n_vars * TILE, np.int32),
        needed=np.zeros(n_vars * TILE, np.uint8),
        entry=np.zeros(TILE, np.int32),
        least=np.zeros(TILE, np.int32),
    )


def _programs(n_vars: int, n_words: int) -> SlicedPrograms:
    return SlicedPrograms(
        n_words=n_words,
        words=np.empty(n_words, np.int32),
        n_slots=SLOTS,
        slots=np.full(SLOTS, FREE, np.int32),
        alone=np.full(n_vars, FREE, np.int32),
        used=np.zeros(3, np.int64),
    )


def _lowering(n_vars: int, n_touching: int, most_cells: int) -> SlicedLowering:
    n_factors = 6 * n_vars + 8  # tables and likelihoods, sums, and products of two of these
    return SlicedLowering(
        counters=np.zeros(N_COUNTERS, np.int64),
        cells=np.array([0.0, most_cells, 0.0]),
        component_of=np.full(n_vars, -1, np.int64),
        used_in=np.full(n_vars, -1, np.int64),
        hidden=np.empty(n_vars, np.int32),
        pattern=np.empty(n_vars + n_touching, np.int32),
        bucket=np.empty(n_factors, np.int32),
        head=np.full(n_vars, NOTHING, np.int32),
        next=np.full(n_factors, NOTHING, np.int32),
        out=np.empty(n_factors, np.int64),
        size=np.empty(n_factors),
        axes=np.empty(n_factors, np.int64),
        n_axes=np.empty(n_factors, np.int64),
        begins=np.empty(n_factors, np.int32),
    )


def _memory(network: SlicedNetwork, n_cells: int, n_slopes: int) -> SlicedMemory:
    return SlicedMemory(
        cells=np.empty(n_cells),
        slopes=np.empty(n_slopes),
        counts=np.empty(network.n_vars + 1, np.int32),
        weights=np.empty(int(network.n_states.max())),
    )
