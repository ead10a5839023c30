"""Some variables of a program: what they depend on is drawn, from the words of the whole, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..data.schema import Schema, Values, values_of
from ..data.variables import Discrete
from ..runtime.memory import check_memory
from .hybrid import Program, Segment
from .tables.run import TableEngine


class ChosenVariables:
    """Rows of some variables, equal to those columns of the rows of all.

    What is drawn are the clusters of tables, and of other kinds the segments, that a chosen variable is in, and those
    that hold parents of what is drawn: a few variables more than the ancestors, because a cluster is drawn at once.

    Parameters
    ----------
    program : of all variables.
    names : the chosen ones, in any order; rows have them in that of the network.
    """

    def __init__(self, program: Program, names: Collection[str]) -> None:
        whole = program.schema
        self._program = program
        self.schema: Schema = Schema({name: own for name, own in whole.variables.items() if name in names})
        self.segments: tuple[Segment, ...] = _segments_above(
            program, {whole.names.index(name) for name in self.schema.names}
        )

    def sample(self, n: int, key: int, start: int, dtype: npt.DTypeLike = np.float32) -> Values:
        """Rows ``start`` to ``start + n`` of the stream of a key, of the types that all variables together have."""
        whole, kind = self._program.schema, np.dtype(dtype)
        n_bytes = n * (whole.n_codes * whole.code_dtype.itemsize + whole.n_reals * kind.itemsize)
        check_memory(n_bytes, f"a sample of {n} rows x {len(whole.names)} variables, of which some are chosen")
        # What is not drawn is not touched, and so takes no memory but where it was in use before.
        values = Values(np.empty((whole.n_codes, n), whole.code_dtype), np.empty((whole.n_reals, n), kind))
        self._program.draw(values, key, start, self.segments)
        return values_of(values, whole, self.schema)


def _segments_above(program: Program, chosen: set[int]) -> tuple[Segment, ...]:
    """What has to be drawn for variables, given by number, in drawing order."""
    needed, found = set(chosen), list[Segment]()
    for segment in reversed(program.segments):
        if isinstance(segment.engine, TableEngine):
            parts = _tables_above(program, segment, needed)
        elif needed.isdisjoint(segment.members):
            parts = []
        else:
            needed.update(parent for v in segment.members for parent in program.parents[v])
            parts = [segment]
        found = [*parts, *found]
    return tuple(found)


def _tables_above(program: Program, segment: Segment, needed: set[int]) -> list[Segment]:
    """Runs of neighbouring clusters, each of which has an engine of its own; ``needed`` grows by their parents.

    The engine numbers rows of codes; variables are numbered as the network declares them.
    """
    engine = segment.engine
    assert isinstance(engine, TableEngine)
    variables = enumerate(program.schema.variables.values())
    owners = [v for v, own in variables if isinstance(own, Discrete) for _ in range(own.size)]
    clusters = [[owners[row] for row in members] for members in engine.plans.sampling_clusters]
    kept: list[int] = []
    for c in reversed(range(len(clusters))):
        if not needed.isdisjoint(clusters[c]):
            kept.insert(0, c)
            needed.update(parent for v in clusters[c] for parent in program.parents[v])
    return [
        Segment(engine.of_clusters(first, last), [v for own in clusters[first:last] for v in own])
        for first, last in _runs(kept)
    ]


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Increasing numbers as ranges of neighbours, [first, last).

    >>> _runs([0, 1, 4])
    [(0, 2), (4, 5)]
    """
    if not numbers:
        return []
    breaks = [i + 1 for i, (a, b) in enumerate(pairwise(numbers)) if b != a + 1]
    return [(numbers[i], numbers[j - 1] + 1) for i, j in pairwise([0, *breaks, len(numbers)])]
