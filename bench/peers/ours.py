"""fastdgm through its public methods: validation on, output allocated."""

from __future__ import annotations

import os

import numpy as np

import fastdgm as fd

from .base import Library


class FastDGM(Library):
    """One thread."""

    label = "fastdgm, 1 thread"
    native = "Samples (uint8 codes by column)"

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        self.structure = fd.BayesNet.from_edges(net.edges, net.names, net.states)

    def refresh(self) -> None:
        os.environ["FASTDGM_NUM_THREADS"] = str(self.threads)

    def sample(self) -> fd.Samples:
        return self.net.sample(self.n_rows, seed=1)

    def log_prob(self) -> np.ndarray:
        return self.net.log_prob(self.samples)

    def fit(self) -> fd.BayesNet:
        return self.structure.fit(self.samples, prior=0.0)


class FastDGMTwoThreads(FastDGM):
    """Two threads."""

    label = "fastdgm, 2 threads"
    threads = 2
