"""Rows on a GPU -> the moments of every stratum: sums there, one copy of them here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.cuda_blocks import CudaBlock
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from .collect import AllMoments, found_twice
from .cuda_plan import MomentsLayout, laid_out
from .loops_cuda import CLEAR, LOOPS
from .plan import Strata

Array = npt.NDArray[Any]


def collect_moments_on_card(strata: Strata, queue: CudaQueue, block: CudaBlock, weights: Any) -> AllMoments:
    """Moments of all rows of a block; ``weights`` (n,) float64 of the card, None where all weigh 1.

    As ``collect_moments``: a second pass where sums about the first row have lost digits. Waits for the card.
    """
    if block.n == 0:
        return found_twice(strata, lambda records: records)
    layout = laid_out(strata)
    own_weights = queue.empty((0,), np.float64) if weights is None else weights
    return found_twice(strata, lambda records: _summed(layout, queue, block, own_weights, records))


def _summed(layout: MomentsLayout, queue: CudaQueue, block: CudaBlock, weights: Any, records: Array) -> Array:
    """The records, which hold shifts and no rows yet, with the sums of all rows."""
    blocks = layout.blocks_for(block.n)
    sums, partial = queue.to_device(records), queue.empty((blocks * len(records),), np.float64)
    plan = queue.plan_to_device(layout.plan)
    launch_on(queue, CLEAR, partial.size, partial)
    launch_on(
        queue, LOOPS["first values", "cuda"], len(records), queue.to_device(layout.shift_rows), block.part.reals, sums
    )
    by_block = partial.reshape(blocks, len(records))
    twin = LOOPS["block moments", "cuda"]._replace(shared_bytes=layout.shared_bytes)
    launch_on(queue, twin, blocks * twin.threads_per_block, plan, *block.part, weights, sums, by_block)
    launch_on(queue, LOOPS["fold", "cuda"], len(records), by_block, sums)
    return queue.to_host(sums)
