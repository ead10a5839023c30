"""What few rows are sampled from: the weights of a network once more, in strips; see ``kernels.made_rows``."""

from __future__ import annotations

from ...kernels.made_rows import Strips as Strips
from ...kernels.made_rows import new_strips
from .plan import MaskedNet

FEW_ROWS = 4  # sampled from strips; more make better use of the lanes of a tile


def strips_of(net: MaskedNet) -> Strips | None:
    """The strips; None where memory does not hold the weights twice."""
    try:
        return new_strips(net)
    except ValueError:
        return None
