"""Activations and slopes with their derivatives, by torch: what the sweep through a network asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...engines.masked.flow_gradient import Curves
from .affine import slope_of

Array = npt.NDArray[Any]

ACTIVATIONS = {
    "relu": torch.relu,
    "elu": torch.nn.functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "leaky_relu": torch.nn.functional.leaky_relu,
    "selu": torch.selu,
    "mish": torch.nn.functional.mish,
}


def curves_of(link: str) -> Curves:
    """Of networks whose scales become slopes by ``link``."""
    return Curves(_activate, lambda scale: _differentiated(lambda own: slope_of(link, own), scale), _product)


def _activate(name: str, sums: Array) -> tuple[Array, Array]:
    return (sums, np.ones_like(sums)) if name == "linear" else _differentiated(ACTIVATIONS[name], sums)


def _differentiated(function: Any, x: Array) -> tuple[Array, Array]:
    """Values and derivatives of a function of each number."""
    with torch.enable_grad():
        leaf = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
        values = function(leaf)
        (derivatives,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach().numpy(), derivatives.numpy()


def _product(one: Array, other: Array) -> Array:
    product: Array = (torch.from_numpy(one) @ torch.from_numpy(other)).numpy()
    return product
