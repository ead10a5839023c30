"""The same distribution for pyro: ``pyro.sample``, ``mask``, ``to_event``. Needs pyro."""

from __future__ import annotations

from pyro.distributions.torch_distribution import TorchDistributionMixin

from .torch_distribution import Distribution


class PyroDistribution(Distribution, TorchDistributionMixin):
    """What ``fastdgm.interop.torch.Distribution`` makes where pyro has been imported."""
