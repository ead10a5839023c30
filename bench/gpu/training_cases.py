"""The twins of one Adam step of a MADE; tests compare the step with the CPU's, here is what each takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.masked.loops_cuda import LOOPS
from fastdgm.engines.masked.run import no_context
from fastdgm.engines.masked.train import MaskedStepper
from fastdgm.engines.training import Step
from fastdgm.kernels.adam import AdamSettings
from fastdgm.kernels.made_tiles_cuda import TILE
from fastdgm.kernels.made_training_cuda import Minibatch


def training_cases(n: int, n_vars: int, hidden: int) -> Iterator[Case]:
    """A minibatch of n rows of binary variables, in float32."""
    model = fd.MADE(n_vars, (hidden,), seed=0)
    net, x, columns = model._net, model.sample(n, seed=0), -(-n // TILE) * TILE
    state, slopes, derivatives = (np.zeros((net.biases.size, columns), np.float32) for _ in range(3))
    scratch = state, slopes, derivatives, np.zeros(n_vars * columns)
    batch = Minibatch(x, no_context(net, n), np.arange(n), 0, n, *scratch)
    first, second = (np.zeros_like(net.weights), np.zeros_like(net.biases)), np.zeros_like(net.weights)
    step = Step(1, 0.001, 0.9, 0.999, 1e-8, 0.0)
    settings, stepper = AdamSettings(*step.scalars()), MaskedStepper(net)
    weights, biases = (first[0], second, settings), (first[1], np.zeros_like(net.biases), settings)
    n_weights = int(net.reach.sum())
    inputs = {
        "load minibatch": (net, batch),
        "forward layer": (net, 1, batch),
        "head slopes": (net, batch),
        "activation slopes": (net, 1, batch),
        "backward layer": (net, 2, batch),
        "update weights": (net, 1, batch, *weights),
        "update biases": (net, batch, *biases),
        "copy": (net.weights, second),
    }
    for verb, own in inputs.items():
        yield Case(
            f"MADE {n_vars}-{hidden} {verb}",
            LOOPS[verb, "cuda"],
            own,
            (),
            (),
            0.0,
            n,
            n_weights,
            net.weights.nbytes,
            lambda: stepper.step(x, step),
        )
