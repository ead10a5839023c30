"""nflows' masked affine autoregressive transforms with our inverse."""

from __future__ import annotations

from typing import Any

from nflows.transforms import Transform
from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform

from ...engines.masked.flow import SOFTPLUS
from .affine import AffineLayer
from .inverse import check_context, check_mode, fast_inverse_with_log_det

BASE = Transform


def describe(layer: Any) -> AffineLayer:
    """What the layer is to us."""
    network = layer.autoregressive_net
    contexts = getattr(network, "context_layer", None)
    n_context = 0 if contexts is None else contexts.in_features
    return AffineLayer(network, layer.features, n_context, SOFTPLUS, shift_first=False, joined=False)


def kind(layer: Any) -> str:
    """What the layer is called in messages."""
    return type(layer).__name__


def inverse_of(layer: Any, inputs: Any, context: Any) -> Any:
    """x and log |dx / dy|, or None where that is left to the library's own code."""
    own = describe(layer)
    if context is not None:
        check_context(own, context)
    check_mode(own)
    if inputs.ndim != 2 or (context is None and own.n_context > 0):  # which nflows takes for a network without context
        return None
    return fast_inverse_with_log_det(own, inputs, inputs.new_empty(len(inputs), 0) if context is None else context)


class FastMaskedAffineAutoregressiveTransform(MaskedAffineAutoregressiveTransform):
    """As nflows', but for the inverse."""

    def forward(self, inputs: Any, context: Any = None) -> Any:
        """Noise of x, and log |d noise / dx|."""
        if context is not None:
            check_context(describe(self), context)
        return super().forward(inputs, context)

    def inverse(self, inputs: Any, context: Any = None) -> Any:
        """x of noise, and log |dx / d noise|."""
        found = inverse_of(self, inputs, context)
        return super().inverse(inputs, context) if found is None else found


OWN, FAST = MaskedAffineAutoregressiveTransform, FastMaskedAffineAutoregressiveTransform
