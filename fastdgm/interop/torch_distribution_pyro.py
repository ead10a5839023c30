"""The same distribution for pyro: ``pyro.sample``, ``mask``, ``to_event``. Needs pyro."""

from __future__ import annotations

from functools import cache
from types import new_class
from typing import Any

from pyro.distributions.torch_distribution import TorchDistributionMixin


@cache
def pyros(base: Any) -> Any:
    """A distribution of torch as a class of pyro's, whose metaclass differs."""
    module = {"__module__": base.__module__}
    return new_class(base.__name__, (base, TorchDistributionMixin), exec_body=lambda body: body.update(module))
