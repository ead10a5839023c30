"""pyAgrum: its generator, a loop over instantiations (it has no batched log-likelihood), and a prebuilt learner."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

import fastdgm as fd

from .base import Library


class PyAgrum(Library):
    """pyAgrum, limited to one thread."""

    label = "pyAgrum"
    native = "its own database, built from a frame outside the clock"
    note = "log-likelihood by a Python loop over rows; fit with a smoothing prior of 1: it refuses contexts never seen"
    max_cells: ClassVar = {"sample": 4_000_000, "log_prob": 400_000}
    max_rows = 100_000
    max_variables = 100

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        import pyagrum

        pyagrum.setNumberOfThreads(1)
        self.model = net.to_pyagrum()
        self.generator = pyagrum.BNDatabaseGenerator(self.model)
        self.rows = np.asarray(samples).tolist() if samples.shape[0] * len(net) <= self.max_cells["log_prob"] else []
        self.row = self.model.completeInstantiation()
        self.learner = pyagrum.BNLearner(samples.to_pandas().astype(str), self.model)
        self.learner.setNumberOfThreads(1)
        self.learner.useSmoothingPrior(1.0)

    def sample(self) -> float:
        return self.generator.drawSamples(self.n_rows)

    def log_prob(self) -> list[float]:
        row, score = self.row, self.model.log2JointProbability
        total = []
        for codes in self.rows:
            for position, code in enumerate(codes):
                row.chgVal(position, code)
            total.append(score(row))
        return total

    def fit(self) -> object:
        return self.learner.learnParameters(self.model.dag())
