"""Sampling of masked autoregressive flows: zuko's, nflows' and sbi's, and the same accelerated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairs import Pair, Program

N_SAMPLES = 10_000


def pair_of(flow: Any, draw: Callable[[Any], object]) -> Pair:
    """A draw from a flow both ways, each warm."""
    from fastdgm.interop.flows import accelerate

    fast = accelerate(flow)
    draw(fast)
    return Pair(lambda: draw(fast), lambda: draw(flow))


def zuko_sampling(n_vars: int) -> Callable[[], Pair]:
    """Three layers with a context."""

    def make() -> Pair:
        import torch
        import zuko

        torch.manual_seed(0)
        flow = zuko.flows.MAF(n_vars, 8, transforms=3, hidden_features=(128, 128))
        return pair_of(flow, lambda own: own(torch.zeros(8)).sample((N_SAMPLES,)))

    return make


def zuko_gradients() -> Pair:
    """A step of variational inference: samples, their densities, and gradients by the parameters."""
    import torch
    import zuko

    torch.manual_seed(0)

    def draw(own: Any) -> None:
        x, log_prob = own().rsample_and_log_prob((1000,))
        (log_prob.mean() + x.square().sum(-1).mean()).backward()

    return pair_of(zuko.flows.MAF(32, transforms=3, hidden_features=(128, 128)), draw)


def nflows_sampling() -> Pair:
    """Its own class: permutations between five layers of residual blocks."""
    import torch
    from nflows.flows import MaskedAutoregressiveFlow

    torch.manual_seed(0)
    flow = MaskedAutoregressiveFlow(32, 128, num_layers=5, num_blocks_per_layer=2).eval()

    def draw(own: Any) -> None:
        with torch.no_grad():
            own.sample(N_SAMPLES)

    return pair_of(flow, draw)


def posterior_sampling() -> Pair:
    """sbi's default estimator over ten parameters."""
    import torch
    from sbi.inference.posteriors import DirectPosterior
    from sbi.neural_nets import posterior_nn
    from sbi.utils import BoxUniform

    torch.manual_seed(0)
    theta, x = torch.randn(500, 10), torch.randn(500, 20)
    estimator = posterior_nn("maf")(theta, x).eval()
    posterior = DirectPosterior(estimator, BoxUniform(-20 * torch.ones(10), 20 * torch.ones(10)))
    return pair_of(posterior, lambda own: own.sample((N_SAMPLES,), x=x[:1], show_progress_bars=False))


ROUNDS = 5
PROGRAMS = [
    Program("zuko MAF: 10 k samples, 32 variables", ("torch", "zuko"), None, zuko_sampling(32), ROUNDS),
    Program("zuko MAF: 10 k samples, 64 variables", ("torch", "zuko"), None, zuko_sampling(64), ROUNDS),
    Program("zuko MAF: 1 k samples with gradients, 32 variables", ("torch", "zuko"), None, zuko_gradients, ROUNDS),
    Program("nflows MAF: 10 k samples, 32 variables", ("torch", "nflows"), None, nflows_sampling, ROUNDS),
    Program("sbi posterior (MAF): 10 k samples, 10 parameters", ("torch", "sbi"), None, posterior_sampling, ROUNDS),
]
