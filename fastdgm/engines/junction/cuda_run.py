"""The dense engine of evidence on a GPU: programs uploaded at first use, and memory for a bounded number of threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.junction import DenseProgram
from ...kernels.junction_cuda import FLAGGED, IMPOSSIBLE, CudaAnswers, CudaEvidence, PackedProgram
from ...kernels.junction_states import StatePlan
from ...kernels.junction_states_cuda import CudaDraws, CudaStates
from ...kernels.tiles_cuda import NOTHING_FOUND
from ...runtime.cuda_launch import SIMULATED_THREADS, Twin, launch_on
from ...runtime.cuda_queue import STREAM_OF_THREAD, CudaQueue
from ...runtime.cuda_simulator import is_simulated
from ...runtime.lazy import cached_property
from .buckets import BucketTree
from .dense_packed import Known, packed, packed_states
from .dense_program import evidence_program, marginals_program, posterior_program, states_plan
from .loops_cuda import LOOPS
from .lowered_network import LoweredNetwork
from .order import Families

__all__ = ["CudaAnswers", "CudaDense", "CudaDraws", "CudaEvidence", "CudaStates", "Known", "first_rows", "n_threads"]
Array = npt.NDArray[Any]

THREADS = 32  # of a block: a warp, so that many fit where each has a large workspace
SHARED_BYTES = 48 * 1024  # that a block may have
SLAB_BYTES = 256 << 20  # of the workspaces of all threads, where they are not shared memory


class CudaRun(NamedTuple):
    """A program on a card."""

    program: PackedProgram
    block_bytes: int  # of the workspaces of a block


class CudaDense(LoweredNetwork):
    """Answers about rows of one network of tables on one card.

    Methods launch twins and do not wait for them. They lower ``status`` (2,) to the first row whose numbers leave the
    range of float64, and to the first that is impossible.
    """

    def __init__(self, tree: BucketTree, families: Families, tables: Sequence[Array], n_states: Sequence[int]) -> None:
        super().__init__(tree, families, tables, n_states)
        self._runs: dict[tuple[str, Known], CudaRun] = {}
        self._slabs: dict[int, Any] = {}  # by stream: what runs on one runs one after the other
        self._words: Any = None  # of the plan for states
        self._nothing: Any = None  # where a program fills no cells

    @property
    def in_range(self) -> bool:
        """Whether float64 holds all numbers of rows without likelihoods."""
        return self._merged.in_range and self._single.in_range

    @cached_property
    def may_flag(self) -> bool:
        """Whether numbers of rows without likelihoods may leave the range of float64."""
        return any(step.scaled for low in (self._merged, self._single) for step in low.steps)

    def evidence(self, queue: CudaQueue, codes: Any) -> CudaEvidence:
        """Rows without likelihoods."""
        return CudaEvidence(codes, self._no_cells(queue).reshape(1, 1))

    def log_evidence(self, queue: CudaQueue, evidence: CudaEvidence, known: Known, log_p: Any, status: Any) -> None:
        """log_p (n,) = log p(e), nats, -inf where it is impossible."""
        run = self._run(queue, ("log evidence", known), lambda: (evidence_program(self._merged), {}))
        self._answer(queue, run, evidence, CudaAnswers(log_p, self._no_cells(queue), status))

    def marginals(self, queue: CudaQueue, evidence: CudaEvidence, known: Known, answers: CudaAnswers) -> None:
        """cells = P(x_v = k | e), one (n, k) after the other; NaN where impossible; log_p (n,) = log p(e)."""
        first_cell = dict(enumerate(accumulate(self._n_states, initial=0)))
        run = self._run(queue, ("marginals", known), lambda: (marginals_program(self._merged), first_cell))
        self._answer(queue, run, evidence, answers)

    def posterior(self, queue: CudaQueue, evidence: CudaEvidence, known: Known, v: int, answers: CudaAnswers) -> None:
        """cells = P(x_v = k | e) (n, k) of one variable; log_p (n,) = log p(e)."""
        run = self._run(queue, (f"posterior of {v}", known), lambda: (posterior_program(self._merged, v), {v: 0}))
        self._answer(queue, run, evidence, answers)

    def most_probable(self, queue: CudaQueue, evidence: CudaEvidence, known: Known, found: CudaStates) -> None:
        """codes (n_vars, n) = argmax p(x, e)."""
        run, n = self._states_run(queue, known), evidence.codes.shape[1]
        arguments = run.program, self._words, evidence, self._slabs_of(queue, run, n), found
        _launch(queue, LOOPS["packed most probable", "cuda"], n, run, arguments)

    def draw(self, queue: CudaQueue, evidence: CudaEvidence, known: Known, draws: CudaDraws, found: CudaStates) -> None:
        """codes (n_vars, n * n_per_row) ~ p(x | e)."""
        run, n = self._states_run(queue, known), evidence.codes.shape[1]
        arguments = draws, run.program, self._words, evidence, self._slabs_of(queue, run, n), found
        _launch(queue, LOOPS["packed draw", "cuda"], n, run, arguments)

    # --- programs ---

    @cached_property
    def _states_plan(self) -> StatePlan:
        return states_plan(self._single)

    def _no_cells(self, queue: CudaQueue) -> Any:
        """An array that nobody reads or fills."""
        if self._nothing is None:
            self._nothing = queue.to_device(np.zeros(1))
        return self._nothing

    def _states_run(self, queue: CudaQueue, known: Known) -> CudaRun:
        if self._words is None:
            self._words = queue.to_device(packed_states(self._states_plan, n_threads()))
        return self._run(queue, ("states", known), lambda: (self._states_plan.program, {}))

    def _run(
        self, queue: CudaQueue, key: tuple[str, Known], make: Callable[[], tuple[DenseProgram, dict[int, int]]]
    ) -> CudaRun:
        """The program, and first cells of marginals, that ``make`` gives: uploaded at first use."""
        if key not in self._runs:
            program, first_cell = make()
            own = packed(program, n_threads(), key[1], first_cell)
            self._runs[key] = CudaRun(queue.plan_to_device(own.program), 8 * own.n_cells)
        return self._runs[key]

    def _answer(self, queue: CudaQueue, run: CudaRun, evidence: CudaEvidence, answers: CudaAnswers) -> None:
        n = answers.log_p.shape[0]
        if run.block_bytes <= SHARED_BYTES:
            twin = LOOPS["packed answer in shared memory", "cuda"]._replace(shared_bytes=run.block_bytes)
            launch_on(queue, twin, n, run.program, evidence, answers)
        else:
            slabs = self._slabs_of(queue, run, n)
            _launch(queue, LOOPS["packed answer", "cuda"], n, run, (run.program, evidence, slabs, answers))

    def _slabs_of(self, queue: CudaQueue, run: CudaRun, n: int) -> Any:
        """Memory of a stream that the blocks of a program work in: its rows are walked by as many threads."""
        size = _n_blocks(run, n) * run.block_bytes // 8
        if queue.stream == STREAM_OF_THREAD:  # threads do not wait for each other there
            return queue.empty((size,), np.float64)
        kept = self._slabs.get(queue.stream)
        if kept is None or kept.shape[0] < size:
            kept = self._slabs[queue.stream] = queue.empty((size,), np.float64)
        return kept


def first_rows(queue: CudaQueue, status: Any) -> tuple[int | None, int | None]:
    """The first row whose numbers left the range of float64, and the first that is impossible; waits for it."""
    found = queue.read_flags(status)
    flagged, impossible = (int(found[which]) for which in (FLAGGED, IMPOSSIBLE))
    return None if flagged == NOTHING_FOUND else flagged, None if impossible == NOTHING_FOUND else impossible


def n_threads() -> int:
    """Of a block; in numba's simulator there are few."""
    return SIMULATED_THREADS if is_simulated() else THREADS


def _n_blocks(run: CudaRun, n: int) -> int:
    return max(1, min(-(-n // n_threads()), SLAB_BYTES // run.block_bytes))


def _launch(queue: CudaQueue, twin: Twin, n: int, run: CudaRun, arguments: tuple[Any, ...]) -> None:
    """A twin on no more blocks than have memory."""
    launch_on(queue, twin, min(n, _n_blocks(run, n) * n_threads()), *arguments)
