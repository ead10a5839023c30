"""Masked layers read off torch modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engines.masked.plan import ACTIVATIONS, Layer
from .torch_linear import masked_linear

Array = npt.NDArray[Any]

EXACT_THRESHOLD = 20  # beyond which a Softplus may give its argument: it is that to 2e-9
SUPPORTED = (
    "masked nn.Linear (or a matrix with a mask), ReLU, ELU(alpha=1), Tanh, Sigmoid, Softplus(beta=1, threshold=20), "
    "SiLU, Identity, Dropout, nn.Sequential of these, residual blocks of zuko and nflows, and modules around a single "
    "one of these"
)


def read_layers(module: Any) -> list[Layer]:
    """The layers of a module, in float64; the last one is linear.

    Raises TypeError naming the module that is not supported; ValueError for weights that are not finite.
    """
    from torch import nn

    if not isinstance(module, nn.Module):
        hint = ": load it into its module" if hasattr(module, "keys") else ""
        raise TypeError(f"{type(module).__name__} is not supported, a torch.nn.Module is needed{hint}")
    reader = _Reader()
    reader.read(module)
    last = reader.layers[-1] if reader.layers else None
    if last is None or last.activation != "linear" or last.weights is None or last.residual is not None:
        raise TypeError(
            "the module must end with a masked linear layer whose outputs are logits, or means and log sigmas; "
            f"leave out what comes after it, got {type(module).__name__}"
        )
    return reader.layers


class _Reader:
    """Layers so far; ``at`` is the layer whose units flow on (0: the inputs), up to ``fixed`` others read them too."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.at = self.fixed = 0

    def read(self, module: Any) -> None:
        from torch import nn

        activation = _activation(module)
        linear = masked_linear(module) if isinstance(module, nn.Module) else None
        if linear is not None:
            self.linear(*linear)
        elif activation is not None:
            self.activate(activation, module)
        elif _is_plain(module, nn.Identity) or _is_plain(module, nn.Dropout):
            return
        elif isinstance(module, nn.Sequential):
            self._sequential(module)
        elif all(hasattr(module, name) for name in ("initial_layer", "blocks", "final_layer")):
            self._nflows_made(module)
        elif hasattr(module, "activation") and (hasattr(module, "linear_layers") or hasattr(module, "linear")):
            self._nflows_block(module)
        elif isinstance(module, nn.Module) and len(children := list(module.children())) == 1:
            self.read(children[0])
        else:
            raise _unsupported(module)

    def linear(self, weights: Array, biases: Array) -> None:
        units = len(self.layers[self.at - 1].biases) if self.at else weights.shape[1]
        if weights.shape[1] != units:
            raise ValueError(f"a linear layer of {weights.shape[1]} inputs follows one of {units} units")
        self._append(Layer(weights, biases, source=self.at))

    def activate(self, activation: str, module: Any) -> None:
        if self.at == 0:
            raise TypeError(f"a masked linear layer must come before {_name(module)}")
        layer = self.layers[self.at - 1]
        if layer.activation == "linear" and self.at > self.fixed:
            self.layers[self.at - 1] = layer._replace(activation=activation)
        else:
            self._append(Layer(None, np.zeros(len(layer.biases)), activation, self.at, self.at))

    def _append(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.at = len(self.layers)

    def _sequential(self, module: Any) -> None:
        from torch import nn

        residual = type(module).__name__ == "Residual"  # zuko's
        if not residual and type(module).forward is not nn.Sequential.forward:
            raise _unsupported(module)

        def inside() -> None:
            for child in module:
                self.read(child)

        if residual:
            self._residual(module, inside)
        else:
            inside()

    def _nflows_made(self, module: Any) -> None:
        if getattr(module, "context_layer", None) is not None:
            raise TypeError(f"{_name(module)} has a context, which from_torch does not take")
        self.read(module.initial_layer)
        if not getattr(module, "use_residual_blocks", True):  # nflows.nn has no such attribute, and no activation here
            self._called(module.activation)
        for block in module.blocks:
            self.read(block)
        self.read(module.final_layer)

    def _nflows_block(self, module: Any) -> None:
        for name in ("context_layer", "batch_norm", "batch_norm_layers"):
            if getattr(module, name, None) is not None:
                raise TypeError(f"{_name(module)} has a {name}, which from_torch does not take")
        if hasattr(module, "linear"):
            self.read(module.linear)
            self._called(module.activation)
            return

        def inside() -> None:
            for linear in module.linear_layers:
                self._called(module.activation)
                self.read(linear)

        self._residual(module, inside)

    def _called(self, activation: Any) -> None:
        """An activation that may be a function, such as torch.relu."""
        name = getattr(activation, "__name__", None)
        if name in ACTIVATIONS and name != "linear":
            self.activate(name, activation)
        else:
            self.read(activation)

    def _residual(self, module: Any, inside: Callable[[], None]) -> None:
        """The units so far are added to the last layer of the block."""
        start = self.fixed = self.at
        inside()
        layer = self.layers[self.at - 1] if self.at > start else None
        if start == 0 or layer is None or layer.activation != "linear" or layer.residual is not None:
            raise TypeError(f"{_name(module)}: a residual block must follow a linear layer and end with one")
        if len(layer.biases) != len(self.layers[start - 1].biases):
            raise ValueError(f"{_name(module)}: a residual block must be as wide as what it is added to")
        self.layers[self.at - 1] = layer._replace(residual=start)


def _name(module: Any) -> str:
    return type(module).__name__ if hasattr(module, "children") else repr(module)[:100]


def _unsupported(module: Any) -> TypeError:
    text = " ".join(str(module).split())
    return TypeError(f"{_name(module)} is not supported, only {SUPPORTED}; got {text[:200]}")


def _activation(module: Any) -> str | None:
    """Its name, where it is one of ours at all arguments: random rows do not reach the bounds of a ReLU6."""
    from torch import nn

    kinds = {
        nn.ReLU: "relu",
        nn.ELU: "elu",
        nn.Tanh: "tanh",
        nn.Sigmoid: "sigmoid",
        nn.Softplus: "softplus",
        nn.SiLU: "silu",
    }
    kind = next((kind for kind in kinds if _is_plain(module, kind)), None)
    if kind is nn.ELU and module.alpha != 1:
        return None
    if kind is nn.Softplus and not (module.beta == 1 and module.threshold >= EXACT_THRESHOLD):
        return None
    return None if kind is None else kinds[kind]


def _is_plain(module: Any, kind: Any) -> bool:
    """Whether a module is of that kind and does what the kind does."""
    return isinstance(module, kind) and type(module).forward is kind.forward


def arrange(layers: Sequence[Layer], columns: Array, rows: Array) -> list[Layer]:
    """The same layers with inputs ``columns`` and outputs ``rows``, in that order."""
    arranged = [
        layer if layer.weights is None or layer.source else layer._replace(weights=layer.weights[:, columns])
        for layer in layers
    ]
    last = arranged[-1]
    assert last.weights is not None  # see read_layers
    arranged[-1] = last._replace(weights=last.weights[rows], biases=last.biases[rows])
    return arranged


def float_type(module: Any) -> np.dtype[Any]:
    """float64 if any parameter is, else float32."""
    import torch

    double = any(parameter.dtype == torch.float64 for parameter in module.parameters())
    return np.dtype(np.float64 if double else np.float32)
