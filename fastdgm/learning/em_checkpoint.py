"""The file of EM in a network of tables: how far its runs have come, to go on with the same numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.table import CPT
from ..errors import FormatError
from .base import Target
from .checkpoints import LARGEST_NUMBER, Checkpoint, Origin
from .counts import Prior
from .search import Run, Search
from .table_expectation import TableExpectation

Array = npt.NDArray[Any]
KEYS = {"run", "epoch", "train", "log_likelihood", "seconds"}
SECONDS = 1.0  # between two saves


class SearchFile:
    """The file of one search. What is in it follows from its settings and data alone, so that any run can go on."""

    def __init__(self, search: Search, steps: TableExpectation, targets: Sequence[Target], prior: Prior) -> None:
        """Raises TypeError where a conditional is no table."""
        assert search.options.checkpoint is not None
        for family in steps.families:
            if not family.is_table:
                raise TypeError(
                    f"checkpoint= keeps tables, but {family.target.name!r} is learnt as another kind of conditional"
                )
        self._search, self._targets = search, {target.name: target for target in targets}
        self._uniform = {family.target.name: np.full(family.shape, 1.0 / family.shape[-1]) for family in steps.families}
        structure = {
            "parents": {name: list(target.parents) for name, target in self._targets.items()},
            "states": {name: list(states) for name, states in steps.schema.states.items()},
            "prior": list(prior),
        }
        origin = Origin("EM", structure, {"sample_weight": steps.rows.weights.view(np.int64)})
        path = search.options.checkpoint
        self._file = Checkpoint(path, origin, steps.rows.codes, None, self._arrays(), is_history)
        self._saved = time.perf_counter()

    def begin_or_resume(self) -> None:
        """Take over what the file holds; where there is none, write one, so that a bad path is found at once."""
        search = self._search
        if not self._file.exists():
            self.save()
            return
        stored = self._file.load()
        if search.options.seed is None:
            search.seed = stored.settings["seed"]
        self._file.refuse_others(stored, self._settings())
        runs = [
            tuple({key: value for key, value in record.items() if key != "run"} for record in own)
            for _, own in groupby(stored.history, key=lambda record: record["run"])
        ]
        if runs:
            best = min(runs[:-1], key=lambda history: history[-1]["train"], default=None)
            kept = None if best is None else Run(self._tables(stored.arrays, "best"), history=best)
            search.take_over(runs[:-1], kept, Run(self._tables(stored.arrays, "parameters"), history=runs[-1]))

    def save(self) -> None:
        """Replace the file."""
        run, ended = self._search.run, self._search.ended
        histories = ended if run is None else [*ended, run.history]
        history = [{"run": i, **record} for i, own in enumerate(histories) for record in own]
        self._file.save(self._settings(), history, self._arrays())
        self._saved = time.perf_counter()

    def save_now_and_then(self) -> None:
        """Replace a file that is no longer new."""
        if time.perf_counter() - self._saved > SECONDS:
            self.save()

    def _settings(self) -> dict[str, Any]:
        options = self._search.options
        shared = {"seed": self._search.seed, "n_restarts": options.n_restarts, "tolerance": options.tolerance}
        return shared if options.n_restarts == 1 else {**shared, "max_iterations": options.max_iterations}

    def _arrays(self) -> dict[str, dict[str, Array]]:
        """The tables of the run that is under way, or was the last, and of the best one that has ended."""
        run, best = self._search.run or self._search.last, self._search.best
        return {
            "parameters": self._uniform if run is None else _arrays_of(run),
            "best": self._uniform if best is None else _arrays_of(best),
        }

    def _tables(self, arrays: dict[str, Array], kind: str) -> dict[str, Conditional]:
        found: dict[str, Conditional] = {}
        for name, target in self._targets.items():
            table = {"table": arrays[f"{kind}/{name}"]}
            try:
                made = CPT.from_parameters(name, tuple(target.parents), target.variable, table)
            except ValueError as error:
                raise FormatError(f"{self._file}: {error}") from None
            found[name] = made.bound(name, list(target.parents.values()))
        return found


@contextmanager
def saving(file: SearchFile | None) -> Iterator[Callable[[], None]]:
    """What is called after every step; whatever ends the search early leaves the file of the last step."""
    if file is None:
        yield lambda: None
        return
    file.begin_or_resume()
    try:
        yield file.save_now_and_then
    finally:
        file.save()


def is_history(history: Any, has_valid: bool) -> bool:
    """Whether this is a list of records of runs 0, 1, ..., each of epochs 0, 1, ..., with finite numbers."""
    if not isinstance(history, list):
        return False
    run, epoch = 0, -1
    for record in history:
        if not isinstance(record, dict) or record.keys() != KEYS:
            return False
        if not all(type(value) in (int, float) and abs(value) <= LARGEST_NUMBER for value in record.values()):
            return False
        run, epoch = (run, epoch + 1) if record["run"] == run else (run + 1, 0)
        if (record["run"], record["epoch"]) != (run, epoch):
            return False
    return not has_valid


def _arrays_of(run: Run) -> dict[str, Array]:
    return {name: own.parameters()["table"] for name, own in run.conditionals.items()}
