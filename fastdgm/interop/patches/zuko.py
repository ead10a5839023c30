"""``fd.patch("zuko")``: its masked affine autoregressive layers are inverted in one pass, in every flow."""

from __future__ import annotations

from typing import Any

from zuko.flows import MaskedAutoregressiveTransform
from zuko.transforms import AutoregressiveTransform

from ..flows.inverse import check_context, check_mode
from ..flows.zuko_layers import FastAutoregressiveTransform, describe
from .replacement import NotOursError, Replacement, faster


def replacements() -> list[Replacement]:
    """Of the layers' ``forward``, which makes the transform that has the inverse."""
    theirs = MaskedAutoregressiveTransform.forward

    def forward(self: Any, c: Any = None) -> Any:
        transform, layer = theirs(self, c), describe(self)
        if layer is None:
            return transform
        try:
            check_context(layer, c)
        except ValueError:  # which zuko refuses when the transform is used
            return transform
        return PatchedAutoregressiveTransform(transform.meta, transform.passes, layer, c)

    return [faster(MaskedAutoregressiveTransform, "forward", forward)]


class PatchedAutoregressiveTransform(FastAutoregressiveTransform):
    """As that of ``accelerate``, but that a network in training mode has zuko's inverse."""

    def _inverse(self, y: Any) -> Any:
        return _ours_or_theirs(self, y)


def _inverse(transform: Any, y: Any) -> Any:
    try:
        check_mode(transform._layer)
    except RuntimeError as error:
        raise NotOursError(str(error)) from None
    return FastAutoregressiveTransform._inverse(transform, y)


_ours_or_theirs = faster(AutoregressiveTransform, "_inverse", _inverse).ours
