"""``fd.patch("zuko")``: its masked affine autoregressive layers are inverted in one pass, in every flow."""

from __future__ import annotations

from typing import Any

from zuko.flows import MaskedAutoregressiveTransform

from ..flows.zuko_layers import transform_of
from .replacement import Replacement, faster


def replacements() -> list[Replacement]:
    """Of the layers' ``forward``, which makes the transform that has the inverse."""
    theirs = MaskedAutoregressiveTransform.forward

    def forward(self: Any, c: Any = None) -> Any:
        return transform_of(self, c, theirs(self, c))

    return [faster(MaskedAutoregressiveTransform, "forward", forward)]
