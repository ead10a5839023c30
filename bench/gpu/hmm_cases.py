"""The twins of hidden Markov chains: many sequences of normal log-likelihoods side by side, and one to a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from case import Case

from fastdgm.engines.hmm.lanes import Batch, Chain, batch_of, chain_of, n_groups
from fastdgm.engines.hmm.loops import LOOPS as CPU_LOOPS
from fastdgm.engines.hmm.loops_cuda import IN_SHARED_MEMORY, LOOPS, lanes_twin, sequence_twin
from fastdgm.kernels.hmm_lanes_cuda import lanes_bytes
from fastdgm.runtime.cuda_launch import Twin

Arrays = tuple[np.ndarray, ...]


class Problem(NamedTuple):
    """A chain and sequences, all of one length so that cells are frames times states."""

    logs: Chain
    scaled: Chain
    batch: Batch
    frames: np.ndarray  # log-likelihoods

    @property
    def n(self) -> int:
        """Sequences."""
        return len(self.batch.order)

    def empty(self, *shapes: tuple[int, ...]) -> Arrays:
        """For answers, of which none is right before."""
        return tuple(np.full(shape, np.nan) for shape in shapes)

    def case(self, verb: str, twin: Twin, inputs: tuple[Any, ...], cpu: Callable[..., Any], outputs: Arrays) -> Case:
        """Of a twin and its loop, ``cpu`` with the outputs of its own after the inputs."""
        expected = tuple(own.copy() for own in outputs)
        cpu(*expected)
        n_bytes = self.frames.nbytes + sum(own.nbytes for own in outputs)
        return Case(
            f"hidden chains {verb}, {self.frames.shape[1]} states", twin, inputs, outputs, expected, 1e-9, self.n,
            self.frames.size, n_bytes, lambda: cpu(*expected),
        )  # fmt: skip


def problem_of(n: int, length: int, n_states: int) -> Problem:
    """Transitions are drawn from a flat Dirichlet."""
    rng = np.random.default_rng(0)
    start, step = rng.dirichlet(np.ones(n_states)), rng.dirichlet(np.ones(n_states), n_states)
    chains = (chain_of(start, step, logs=logs) for logs in (True, False))
    return Problem(*chains, batch_of(np.full(n, length)), rng.normal(scale=2.0, size=(n * length, n_states)))


def hmm_cases(n: int, length: int, n_states: int) -> Iterator[Case]:
    """All twins."""
    problem = problem_of(n, length, n_states)
    yield from _side_by_side(problem)
    yield from _in_logarithms(problem)
    yield from _scaled(problem)


def _side_by_side(problem: Problem) -> Iterator[Case]:
    """With the transitions in shared memory, and in global memory."""
    n_states, groups = problem.frames.shape[1], n_groups(problem.batch)
    inputs = problem.logs.lanes, problem.batch.lanes, problem.frames
    lattice, answers = problem.frames.shape, (2, problem.n)
    shapes = {"log_prob": (answers,), "posterior": (lattice, (groups, n_states, n_states), answers)}
    for verb, own in shapes.items():
        loop = CPU_LOOPS[verb, "cpu"]
        plain = LOOPS[verb, "cuda"]._replace(shared_bytes=lanes_bytes(n_states, False))
        for name, twin in ((verb + IN_SHARED_MEMORY, lanes_twin(verb, n_states)), (verb, plain)):
            yield problem.case(
                name, twin, inputs, lambda *out, loop=loop: loop(0, groups, *inputs, *out), problem.empty(*own)
            )


def _in_logarithms(problem: Problem) -> Iterator[Case]:
    n, (n_frames, n_states) = problem.n, problem.frames.shape
    for verb, chain, shapes in (
        ("forward log", problem.logs.plain, ((n_frames, n_states), (n,))),
        ("backward log", problem.logs.transposed, ((n_frames, n_states),)),
    ):
        inputs, loop = (chain, problem.batch.ends, problem.frames), CPU_LOOPS[verb, "cpu"]
        yield problem.case(
            verb,
            sequence_twin(verb, n_states),
            inputs,
            lambda *out, loop=loop, inputs=inputs: loop(0, n, *inputs, *out),
            problem.empty(*shapes),
        )
    inputs = problem.logs.plain, problem.batch.ends, problem.frames
    outputs = np.zeros(n_frames, np.int64), np.zeros(n)
    twin = sequence_twin("viterbi in a lattice", n_states)
    viterbi = CPU_LOOPS["viterbi", "cpu"]
    own = problem.case("viterbi", twin, inputs, lambda *out: viterbi(0, n, *inputs, *out), outputs)
    scratch = np.zeros(problem.frames.shape)
    yield own._replace(outputs=(scratch, *outputs), expected=(None, *own.expected))


def _scaled(problem: Problem) -> Iterator[Case]:
    n, (n_frames, n_states) = problem.n, problem.frames.shape
    frames = np.exp(problem.frames)
    inputs, loop = (problem.scaled.plain, problem.batch.ends, frames), CPU_LOOPS["forward scaled", "cpu"]
    forward = problem.case(
        "forward scaled",
        sequence_twin("forward scaled", n_states),
        inputs,
        lambda *out: loop(0, n, *inputs, *out),
        problem.empty(frames.shape, (n_frames,), (n,)),
    )
    yield forward
    inputs_back = problem.scaled.transposed, problem.batch.ends, frames, forward.expected[1]
    loop_back = CPU_LOOPS["backward scaled", "cpu"]
    yield problem.case(
        "backward scaled",
        sequence_twin("backward scaled", n_states),
        inputs_back,
        lambda *out: loop_back(0, n, *inputs_back, *out),
        problem.empty(frames.shape),
    )
