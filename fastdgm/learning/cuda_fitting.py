"""Rows on a GPU -> the conditionals of a network: sums are taken there and copied once, estimates are made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..data.cuda_arrays import is_on_card
from ..data.cuda_blocks import CudaBlock
from ..data.cuda_boundary import as_cuda_block
from ..data.cuda_samples import CudaSamples
from ..data.schema import Schema
from ..data.variables import Real, Variable
from ..engines.moments.loops_cuda import LOOPS
from ..errors import MissingValuesError
from ..inference.cuda_refusals import not_on_card
from ..runtime.cuda_launch import launch_on
from ..runtime.cuda_queue import CudaQueue
from ..runtime.text import preview
from .counts import LARGEST_WEIGHT, Prior
from .fitting import Fitted, Known, Learner, estimate_chunk


class CudaTrainingData(NamedTuple):
    """What ``fit`` was given, of which the rows are on a GPU."""

    data: Any
    sample_weight: Any
    unknown: str


def learn_on_card(known: Known, given: CudaTrainingData, prior: Prior, queue: CudaQueue) -> Fitted:
    """All conditionals from complete rows, as ``fitting.learn``.

    TypeError, naming a variable, where one is learnt on the CPU alone; ValueError where states are not known.
    """
    learner, block, weights = _prepared(known, given, prior, queue)
    return learner.estimate(learner.collect_on_card(queue, block, weights))


def learn_chunk_on_card(known: Known, given: CudaTrainingData, prior: Prior, queue: CudaQueue, earlier: Any) -> Fitted:
    """All conditionals from complete rows and those of ``earlier`` statistics, as ``fitting.learn_chunk``."""
    learner, block, weights = _prepared(known, given, prior, queue)
    learner.refuse_all_at_once()
    return estimate_chunk(learner, learner.collect_on_card(queue, block, weights, earlier))


def _prepared(known: Known, given: CudaTrainingData, prior: Prior, queue: CudaQueue) -> tuple[Learner, CudaBlock, Any]:
    if given.unknown != "error":
        raise TypeError("unknown= is about labels, and arrays of a GPU hold codes: leave it out")
    schema = Schema(_variables(known, given.data))
    try:
        block = as_cuda_block(given.data, schema, queue)
    except MissingValuesError as error:
        raise not_on_card(f"fit of rows in which values are missing ({error})") from None
    return Learner(known, schema, prior), block, _weights(given.sample_weight, block.n, queue)


def _variables(known: Known, data: Any) -> Mapping[str, Variable]:
    """Of all names: those that are declared, and those of rows that know their own."""
    own = data.schema.variables if isinstance(data, CudaSamples) else {}
    found = {name: known.variables.get(name, own.get(name)) for name in known.parents}
    unknown = [name for name, variable in found.items() if variable is None]
    if unknown:
        raise ValueError(
            f"arrays of a GPU do not say what states {preview(unknown)} can have: declare them with states= (and "
            "real= for numbers), or copy the arrays to the CPU"
        )
    return {name: variable for name, variable in found.items() if variable is not None}


def _weights(sample_weight: Any, n: int, queue: CudaQueue) -> Any:
    """Weights (n,) on the card; None: 1 each. ValueError for what is no weight, TypeError for one of the CPU."""
    if sample_weight is None:
        return None
    if not is_on_card(sample_weight) or isinstance(sample_weight, Mapping | Sequence):
        raise TypeError("sample_weight is an array of the card where the rows are on one")
    reals = as_cuda_block({"sample_weight": sample_weight}, Schema({"sample_weight": Real()}), queue).part.reals
    if reals.shape[1] != n:
        raise ValueError(f"sample_weight has one weight per row, shape ({n},), got {reals.shape[1]} weights")
    weights, first = reals[0], queue.to_device(np.array([n], np.int64))
    launch_on(queue, LOOPS["first bad weight", "cuda"], n, weights, first)
    row = int(queue.read_flags(first)[0])
    if row < n:
        raise ValueError(f"sample_weight must be between 0 and {LARGEST_WEIGHT:g}: it is not in row {row}")
    return weights
