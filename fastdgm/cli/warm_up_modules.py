"""Steps of ``fastdgm warm-up`` that need torch: networks with modules of every family, draws and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

ROWS = 64
Run = Callable[[], object]


def steps_of_modules() -> Iterator[tuple[str, Run]]:
    """Names and what compiles."""
    from .. import BayesNet, Normal, Uniform

    for family, net in _networks().items():
        yield f"Torch modules, {family}: sample", partial(net.sample, ROWS, seed=0)
        yield f"Torch modules, {family}: log_prob", partial(_log_prob, net)
    reals = BayesNet({"x": Normal(0.0, 1.0), "y": Uniform(0.0, 1.0)})
    yield "Gradients: rsample", partial(reals.rsample, ROWS, seed=0)
    yield "Gradients: log_prob", partial(_gradient, reals)


def _networks() -> dict[str, Any]:
    """Of a real and a discrete parent, which are three features."""
    from torch import nn

    from .. import BayesNet, Bernoulli, Neural, Normal

    class Parts(nn.Module):
        """Several parts of two components each, from one linear layer."""

        def __init__(self, n_parts: int) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2 * n_parts)
            self.n_parts = n_parts

        def forward(self, features: Any) -> Any:
            return tuple(self.linear(features).chunk(self.n_parts, 1))

    children = {
        "bernoulli": Neural(["x", "z"], nn.Linear(3, 2), family="bernoulli", event_shape=(2,)),
        "categorical": Neural(["x", "z"], nn.Linear(3, 3), family="categorical", n_states=3),
        "normal": Neural(["x", "z"], Parts(2), family="normal", event_shape=(2,)),
        "mixture": Neural(["x", "z"], Parts(3), family="mixture"),
    }
    parents = {"x": Normal(0.0, 1.0), "z": Bernoulli(0.5)}
    return {family: BayesNet({**parents, "y": own}) for family, own in children.items()}


def _log_prob(net: Any) -> object:
    return net.log_prob(net.sample(ROWS, seed=0))


def _gradient(net: Any) -> object:
    import torch

    module, rows = net.to_torch(), net.sample(ROWS, seed=0)
    return module({name: torch.tensor(rows[name], requires_grad=True) for name in net.names}).sum().backward()
