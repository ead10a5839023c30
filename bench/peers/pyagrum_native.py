"""pyAgrum: its generator, a loop over instantiations (it has no batched log-likelihood), and a prebuilt learner."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Peer


class PyAgrum(Peer):
    """pyAgrum, limited to one thread."""

    library, label = "pyagrum", "pyAgrum"
    native = "its own database, built from a frame outside the clock"
    note = "log-likelihood by a Python loop over rows; fit with a smoothing prior of 1: it refuses contexts never seen"
    needs = ("pyagrum", "pandas")
    max_cells: ClassVar = {"sample": 4_000_000, "log_prob": 400_000}
    max_rows = 100_000
    max_variables = 100

    def open(self) -> None:
        import pyagrum

        pyagrum.setNumberOfThreads(1)
        self.network = self.model.to_pyagrum()
        self.generator = pyagrum.BNDatabaseGenerator(self.network)
        scored = self.n_rows * self.variables <= self.max_cells["log_prob"]  # else another instance does that
        self.codes = np.asarray(self.rows).tolist() if scored else []
        self.row = self.network.completeInstantiation()
        self.learner = pyagrum.BNLearner(self.rows.to_pandas().astype(str), self.network)
        self.learner.setNumberOfThreads(1)
        self.learner.useSmoothingPrior(1.0)

    def log_prob(self) -> list[float]:
        row, score = self.row, self.network.log2JointProbability
        total = []
        for codes in self.codes:
            for position, code in enumerate(codes):
                row.chgVal(position, code)
            total.append(score(row))
        return total

    operations: ClassVar = {
        "sample": lambda self: self.generator.drawSamples(self.n_rows),
        "log_prob": log_prob,
        "fit": lambda self: self.learner.learnParameters(self.network.dag()),
    }
