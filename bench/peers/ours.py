"""fastdgm through its public methods: validation on, output allocated."""

from __future__ import annotations

import os
from typing import ClassVar

import numpy as np

import fastdgm as fd

from .base import Peer


class Ours(Peer):
    """Sampling and scoring, the same calls for every model."""

    library = label = "fastdgm"
    max_threads = 2
    on_one_thread_too = True
    operations: ClassVar = {
        "sample": lambda self: self.model.sample(self.n_rows, seed=2),
        "log_prob": lambda self: self.model.log_prob(self.rows),
    }

    def prepare(self) -> None:
        os.environ["FASTDGM_NUM_THREADS"] = str(self.threads)


class OurTables(Ours):
    """A Bayes net; it is fitted to rows without smoothing."""

    native = "Samples (uint8 codes by column)"
    operations: ClassVar = {**Ours.operations, "fit": lambda self: self.structure.fit(self.rows, prior=0.0)}

    def open(self) -> None:
        self.structure = fd.BayesNet.from_edges(self.model.edges, self.model.names, self.model.states)


class OurForms(OurTables):
    """A Bayes net with the data that others bring: int64 rows of NumPy's, frames of pandas' own making."""

    needs = ("pandas",)
    operations: ClassVar = {
        **OurTables.operations,
        "log_prob of int64 rows": lambda self: self.model.log_prob(self.int64),
        "log_prob of a pandas frame": lambda self: self.model.log_prob(self.frame),
        "sample to pandas": lambda self: self.model.sample(self.n_rows, seed=2).to_pandas(),
        "fit from pandas": lambda self: self.structure.fit(self.frame, prior=0.0),
    }

    def open(self) -> None:
        super().open()
        import pandas as pd

        states = self.model.states
        columns = {name: pd.Categorical.from_codes(c.astype(np.int8), states[name]) for name, c in self.rows.items()}
        self.frame = pd.DataFrame(columns)
        self.int64 = np.asarray(self.rows).astype(np.int64, order="C")


class OurOneRow(Ours):
    """What a call costs before it does anything."""

    operations: ClassVar = {
        **Ours.operations,
        "log_prob of int64 rows": lambda self: self.model.log_prob(self.int64),
    }

    def open(self) -> None:
        self.int64 = np.asarray(self.rows).astype(np.int64)


class OurEpoch(Ours):
    """An epoch of training in minibatches of 100."""

    note = "batches of 100"
    settings: ClassVar = {"batch_size": 100, "schedule": "constant", "patience": None, "progress": False}
    operations: ClassVar = {"fit": lambda self: self.model.fit(self.rows, epochs=1, **self.settings)}


class OurText(Ours):
    """A chain of order 3 over one long sequence, given as codes or as a string."""

    max_threads = 1
    operations: ClassVar = {
        "log_prob": lambda self: self.model.log_prob(self.sequence),
        "log_prob of a string": lambda self: self.by_string.log_prob(self.source),
        "fit": lambda self: fd.MarkovChain(order=3, n_states=self.model.n_states).fit(self.sequence),
        "fit of a string": lambda self: fd.MarkovChain(order=3).fit(self.source),
    }

    def open(self) -> None:
        self.sequence = self.rows, np.array([0, self.n_rows])
        self.by_string = fd.MarkovChain(order=3).fit(self.source)


class OurRows(Ours):
    """A chain of order 3 over rows."""

    max_threads = 1
    operations: ClassVar = {"sample": Ours.operations["sample"]}


class OurStrings(Ours):
    """A chain of order 3 over lines."""

    max_threads = 1
    note = "lines to their end, as a list"
    operations: ClassVar = {"sample of strings": Ours.operations["sample"]}


class OurLinear(Ours):
    """A network of real variables, or of both kinds; it is fitted to rows by its structure."""

    native = "Samples (columns)"
    operations: ClassVar = {
        "sample": lambda self: self.model.sample(self.n_rows, seed=2, dtype=self.rows.blocks.reals.dtype),
        "log_prob": Ours.operations["log_prob"],
        "fit": lambda self: self.structure.fit(self.rows, prior=0.0),
    }

    def open(self) -> None:
        model = self.model
        real = [name for name in model.names if name not in model.states]
        self.structure = fd.BayesNet.from_edges(model.edges, model.names, model.states, real)


class OurMixture(Ours):
    """A mixture; scoring sums over its components. A step of EM begins anew with the model's parameters."""

    native = "NumPy array (n, n_vars)"
    note = "an EM step is fit from the present parameters: two expectations, one maximisation"
    repeatable = False
    operations: ClassVar = {
        "sample": lambda self: self.model.sample(self.n_rows, seed=2, dtype=self.rows.dtype),
        "log_prob": Ours.operations["log_prob"],
        "EM step": lambda self: self.learner.fit(self.rows, resume=True, max_iterations=1, tolerance=0.0),
    }

    def prepare(self) -> None:
        super().prepare()
        self.learner = fd.BayesNet(dict(self.model.conditionals))


class OurLogistic(Ours):
    """A network of logistic regressions, learnt with no penalty."""

    native = "Samples (uint8 codes by column)"
    max_rounds: ClassVar = {"fit": 3}
    operations: ClassVar = {**Ours.operations, "fit": lambda self: self.structure.fit(self.rows)}

    def open(self) -> None:
        own = self.model.conditionals
        self.structure = fd.BayesNet({name: fd.Logistic(each.parents) for name, each in own.items()})


class OurClassifier(Ours):
    """The class of every row; its column in the rows is not looked at."""

    native = "Samples (uint8 codes by column)"
    operations: ClassVar = {"predict_proba": lambda self: self.model.predict_proba(self.rows, "y")}
