"""A few rows of every family on the card, for a sanitizer: ``compute-sanitizer python tests/card_script.py``."""

from __future__ import annotations

import warnings

import numpy as np
from numba import cuda

import fastdgm as fd

N = 257  # more than a block, and no multiple of anything


def main() -> None:
    """Draw and score; what is found wrong, the sanitizer says."""
    warnings.filterwarnings("ignore", message=".*Grid size")
    net = fd.example("asia")
    x = net.sample(N, seed=0, device="cuda")
    net.log_prob(x), net.log_prob(x, per_variable=True)
    rows = np.asarray(x.to("cpu")).astype(np.int64)
    net.log_prob(cuda.to_device(rows))
    rows[np.random.default_rng(0).random(rows.shape) < 0.2] = -1
    net.log_prob(cuda.to_device(rows))
    reals = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.LinearGaussian(["x"], 1, [0.5], 1)})
    reals.log_prob(reals.sample(N, seed=0, device="cuda"))
    for model in (fd.MADE(9, (7,), seed=0), fd.FVSBN(9, seed=0), fd.NADE(9, 7, seed=0)):
        model.log_prob(model.sample(N, seed=0, device="cuda"))
    cuda.synchronize()


if __name__ == "__main__":
    main()
