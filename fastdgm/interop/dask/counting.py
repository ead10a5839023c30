"""What a worker does to learn from a partition: its sufficient statistics, and those of several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...data.boundary import columns_of, read_once
from ...data.learnt_parts import Seen, seen_in, seen_together, variables_seen
from ...data.schema import Schema
from ...data.variables import Discrete, Variable
from ...errors import MissingValuesError
from ...learning.counts import Prior, UnknownLabels, training_rows
from ...learning.fitting import Known, Learner

_MOST_GUESSED = 256  # states of what a partition shows as codes: more may be real numbers that are whole there


class Found(NamedTuple):
    """What is kept of the rows of some partitions."""

    n_rows: int
    seen: Mapping[str, Seen] | None = None  # of variables that nobody declared
    variables: Mapping[str, Variable] | None = None  # of which the statistics are; None: there are none
    statistics: Any = None
    n_dropped: int = 0
    first_problem: str = ""  # of rows that were left out


class Counting:
    """How partitions are counted, whose variables are all known or, as far as nobody declared them, guessed from each
    partition: statistics add up where all have guessed alike."""

    def __init__(self, known: Known, prior: Prior, unknown: UnknownLabels) -> None:
        self.known: Known = known
        self.names: tuple[str, ...] = tuple(known.parents)
        self.knows_all: bool = all(name in known.variables for name in self.names)
        self._prior, self._unknown = prior, unknown
        self._learner = self._learner_of(known.variables) if self.knows_all else None

    def learner(self, variables: Mapping[str, Variable]) -> Learner:
        """The estimators of all variables."""
        return self._learner or self._learner_of(variables)

    def check(self, no_rows: Any) -> None:
        """Raise what is wrong with columns and their types, by counting no rows."""
        self.collect(no_rows, None, "the frame")

    def collect(self, data: Any, weights: Any, part: str) -> Found:
        """Statistics of a partition, which errors call ``part``. Raises what ``BayesNet.fit`` raises."""
        n_rows, data = len(data), read_once(data, self.names)
        known = self.known.variables
        if self.knows_all:
            return self._counted(data, known, weights, part)
        seen = seen_in(columns_of(data, self.names, Schema(known).vectors), known, self.names, part)
        variables = self._guessed(seen) if n_rows else None
        if variables is None:
            return Found(n_rows, seen)
        return self._counted(data, variables, weights, part)._replace(seen=seen)

    def together(self, parts: Sequence[Found]) -> Found:
        """What is kept of the rows of all, in their order."""
        first = parts[0]
        for own in parts[1:]:
            first = self._both(first, own)
        return first

    def _learner_of(self, variables: Mapping[str, Variable]) -> Learner:
        return Learner(self.known, Schema({name: variables[name] for name in self.names}), self._prior)

    def _guessed(self, seen: Mapping[str, Seen]) -> Mapping[str, Variable] | None:
        """What all variables are if other partitions say no more; None where they are likely to."""
        if any(own.is_float and not own.is_fractional for own in seen.values()):
            return None
        try:
            variables = variables_seen(seen, self.known.variables, self.names)
        except ValueError:
            return None
        codes = [variables[name] for name, own in seen.items() if own.codes is not None]
        return None if any(isinstance(own, Discrete) and own.n_states > _MOST_GUESSED for own in codes) else variables

    def _counted(self, data: Any, variables: Mapping[str, Variable], weights: Any, part: str) -> Found:
        try:
            rows = training_rows(data, variables, self.names, weights, self._unknown)
            statistics = self.learner(variables).collect(rows)
        except MissingValuesError as error:
            raise MissingValuesError(f"fit of dask data adds up complete rows: {error}") from None
        n_rows = rows.block.n + rows.n_dropped
        problem = rows.first_problem and f"{part}: {rows.first_problem}"
        return Found(n_rows, None, variables, statistics, rows.n_dropped, problem)

    def _both(self, first: Found, second: Found) -> Found:
        if not self.knows_all and not (first.n_rows and second.n_rows):  # types of no rows are often made up
            return first if first.n_rows else second
        together = Found(
            first.n_rows + second.n_rows,
            None if first.seen is None or second.seen is None else seen_together(first.seen, second.seen),
            n_dropped=first.n_dropped + second.n_dropped,
            first_problem=first.first_problem or second.first_problem,
        )
        if first.variables is None or first.variables != second.variables:
            return together
        statistics = self.learner(first.variables).merged(first.statistics, second.statistics)
        return together._replace(variables=first.variables, statistics=statistics)
