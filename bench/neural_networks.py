"""Networks with torch modules in them, with random weights, and the rows that they are measured on."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hybrid_networks import linear_gaussian_net
from peers.base import Subject

import fastdgm as fd

if TYPE_CHECKING:
    from torch import nn

N_PIXELS, N_CODES, WIDTH = 784, 50, 200  # of the autoencoder
N_LABELS = 10  # of images drawn by class


class Autoencoder(NamedTuple):
    """Two perceptrons of two hidden layers; the encoder gives means and log standard deviations side by side."""

    decoder: nn.Module
    encoder: nn.Module

    def guide(self) -> dict[str, fd.Neural]:
        """The encoder as the guide of z."""
        from torch import nn

        class Parts(nn.Module):
            def __init__(self, body: nn.Module) -> None:
                super().__init__()
                self.body = body

            def forward(self, x):
                return self.body(x).chunk(2, 1)

        return {"z": fd.Neural(["x"], Parts(self.encoder), family="normal", event_shape=(N_CODES,))}


def perceptron(*sizes: int) -> nn.Sequential:
    """Linear layers of these sizes with ReLU between them, torch's own initial weights."""
    from torch import nn

    layers = [part for size in pairwise(sizes) for part in (nn.Linear(*size), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def autoencoder() -> Autoencoder:
    """784-200-200-50 both ways, the same at every call."""
    import torch

    torch.manual_seed(0)
    return Autoencoder(perceptron(N_CODES, WIDTH, WIDTH, N_PIXELS), perceptron(N_PIXELS, WIDTH, WIDTH, 2 * N_CODES))


def autoencoder_subject(n: int) -> Subject:
    """z -> x; the rows are images."""
    modules = autoencoder()
    pixels = fd.Neural(["z"], modules.decoder, family="bernoulli", event_shape=(N_PIXELS,))
    net = fd.BayesNet({"z": fd.MultivariateNormal.standard(N_CODES), "x": pixels})
    return Subject(net, net.sample(n, seed=0)["x"], N_PIXELS, modules)


def mixed_subject(n: int) -> Subject:
    """50 tables in a chain, 50 linear Gaussians, and a perceptron that reads ten of either and says one of four."""
    import torch

    random = np.random.default_rng(0)
    torch.manual_seed(0)
    conditionals: dict[str, fd.conditionals.Conditional] = {"c0": fd.Categorical(random.dirichlet(np.ones(3)))}
    for i in range(1, 50):
        conditionals[f"c{i}"] = fd.CPT([f"c{i - 1}"], random.dirichlet(np.ones(3), 3))
    conditionals |= dict(linear_gaussian_net(50, 90).conditionals)
    parents = [*(f"c{i}" for i in range(0, 50, 5)), *(f"x{i}" for i in range(0, 50, 5))]
    module = perceptron(40, 64, 64, 4)
    conditionals["y"] = fd.Neural(parents, module, family="categorical", n_states=4)
    net = fd.BayesNet(conditionals)
    return Subject(net, net.sample(n, seed=0, dtype=np.float32), len(net), module)


def gradients_subject(n: int) -> Subject:
    """100 linear Gaussians; float32 rows (n, 100) as torch users have them."""
    net = linear_gaussian_net(100, 187)
    return Subject(net, np.ascontiguousarray(net.sample(n, seed=0, dtype=np.float32)), 100)


def context_subject(n: int) -> Subject:
    """label -> image by a MADE 784-500 with the label as its context; the source is the MADE without it."""
    made = fd.MADE(N_PIXELS, hidden=(500,), n_context=N_LABELS, seed=0)
    label = fd.Categorical(np.full(N_LABELS, 1 / N_LABELS))
    net = fd.BayesNet({"label": label, "image": made.given(["label"])})
    return Subject(net, net.sample(n, seed=0), N_PIXELS, fd.MADE(N_PIXELS, hidden=(500,), seed=0))
