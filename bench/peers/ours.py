"""fastdgm through its public methods: validation on, output allocated."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np

import fastdgm as fd

from .base import Peer, Subject


class Ours(Peer):
    """Sampling and scoring, the same calls for every model."""

    library = "fastdgm"
    label = "fastdgm"
    max_threads = 2
    on_one_thread_too = True

    def prepare(self) -> None:
        os.environ["FASTDGM_NUM_THREADS"] = str(self.threads)

    def sample(self) -> Any:
        return self.model.sample(self.n_rows, seed=2)

    def log_prob(self) -> Any:
        return self.model.log_prob(self.rows)

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}


class OurTables(Ours):
    """A Bayes net; it is fitted to rows without smoothing."""

    native = "Samples (uint8 codes by column)"

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        self.structure = fd.BayesNet.from_edges(self.model.edges, self.model.names, self.model.states)

    def fit(self) -> fd.BayesNet:
        return self.structure.fit(self.rows, prior=0.0)

    operations: ClassVar = {**Ours.operations, "fit": fit}


class OurForms(OurTables):
    """A Bayes net with the data that others bring: int64 rows of NumPy's, frames of pandas' own making."""

    native = ""
    needs = ("pandas",)

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        import pandas as pd

        self.int64 = np.asarray(self.rows).astype(np.int64, order="C")
        self.frame = pd.DataFrame(
            {
                name: pd.Categorical.from_codes(column.astype(np.int8), self.model.states[name])
                for name, column in self.rows.items()
            }
        )

    def log_prob_int64(self) -> np.ndarray:
        return self.model.log_prob(self.int64)

    def log_prob_frame(self) -> np.ndarray:
        return self.model.log_prob(self.frame)

    def sample_frame(self) -> Any:
        return self.sample().to_pandas()

    def fit_frame(self) -> fd.BayesNet:
        return self.structure.fit(self.frame, prior=0.0)

    operations: ClassVar = {
        **OurTables.operations,
        "log_prob of int64 rows": log_prob_int64,
        "log_prob of a pandas frame": log_prob_frame,
        "sample to pandas": sample_frame,
        "fit from pandas": fit_frame,
    }


class OurOneRow(Ours):
    """What a call costs before it does anything."""

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        self.int64 = np.asarray(self.rows).astype(np.int64)

    def log_prob_int64(self) -> np.ndarray:
        return self.model.log_prob(self.int64)

    operations: ClassVar = {**Ours.operations, "log_prob of int64 rows": log_prob_int64}


class OurEpoch(Ours):
    """An epoch of training in minibatches of 100."""

    note = "batches of 100"

    def fit(self) -> Any:
        return self.model.fit(self.rows, epochs=1, batch_size=100, schedule="constant", patience=None, progress=False)

    operations: ClassVar = {"fit": fit}


class OurText(Ours):
    """A chain of order 3 over one long sequence, given as codes or as a string."""

    max_threads = 1

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        self.n_states = int(self.rows.max()) + 1
        self.sequence = self.rows, np.array([0, n_rows])
        self.string = subject.source[:n_rows]
        self.by_string = fd.MarkovChain(order=3).fit(self.string)

    def log_prob(self) -> Any:
        return self.model.log_prob(self.sequence)

    def log_prob_string(self) -> Any:
        return self.by_string.log_prob(self.string)

    def fit(self) -> Any:
        return fd.MarkovChain(order=3, n_states=self.n_states).fit(self.sequence)

    def fit_string(self) -> Any:
        return fd.MarkovChain(order=3).fit(self.string)

    operations: ClassVar = {
        "log_prob": log_prob,
        "log_prob of a string": log_prob_string,
        "fit": fit,
        "fit of a string": fit_string,
    }


class OurRows(Ours):
    """A chain of order 3 over rows."""

    max_threads = 1
    operations: ClassVar = {"sample": Ours.sample}


class OurStrings(Ours):
    """A chain of order 3 over lines."""

    max_threads = 1
    note = "lines to their end, as a list"
    operations: ClassVar = {"sample of strings": Ours.sample}
