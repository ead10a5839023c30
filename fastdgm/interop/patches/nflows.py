"""``fd.patch("nflows")``: its masked affine autoregressive layers are inverted in one pass, in every flow."""

from __future__ import annotations

from typing import Any

from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform

from ..flows.nflows_layers import inverse_of
from .replacement import NotOursError, Replacement, faster


def replacements() -> list[Replacement]:
    """Of the layers' ``inverse``."""
    theirs = MaskedAffineAutoregressiveTransform.inverse

    def inverse(self: Any, inputs: Any, context: Any = None) -> Any:
        try:
            found = inverse_of(self, inputs, context)
        except ValueError:  # a context that nflows refuses in its own words
            raise NotOursError from None
        except RuntimeError as error:
            raise NotOursError(str(error)) from None
        return theirs(self, inputs, context) if found is None else found

    return [faster(MaskedAffineAutoregressiveTransform, "inverse", inverse)]
