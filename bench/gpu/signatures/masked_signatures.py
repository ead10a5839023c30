"""Of the twins of masked networks: MADE and FVSBN."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import NamedTuple, boolean, float64, int64, uint64

from fastdgm.engines.masked.loops_cuda import LOOPS
from fastdgm.kernels.adam import AdamSettings
from fastdgm.kernels.heads import BernoulliHead
from fastdgm.kernels.made import MaskedNet
from fastdgm.kernels.made_sampling import Given, Request
from fastdgm.kernels.made_training_cuda import Minibatch

from .outputs import output_types
from .signature import Signature, array, plan_type


def masked_signatures() -> Iterator[Signature]:
    """All verbs: ``element`` is the type of a network's numbers, ``values`` that of its data."""
    kinds = (("float32", "uint8"), ("float32", "float32"), ("float64", "uint16"), ("float64", "float64"))
    for element, values in kinds:
        block, table, index = array(element, 2), array("int64", 2), array("int64", 1)
        head = NamedTuple([int64], BernoulliHead)
        net = plan_type(MaskedNet, element, element, table, table, index, index, *[int64] * 4, head)
        request = plan_type(Request, uint64, uint64, *[int64] * 3, float64, int64, float64, boolean, boolean, int64)
        given = plan_type(Given, array(values, 2), array("float64", 2), block)
        scores, draws = output_types(values, element)
        rows = [net, request, given, draws]
        arguments = {
            "log_prob": [net, array(values, 2), block, scores],
            "sample": rows,
            "begin rows": [*rows, int64],
            "draw block": [*rows, int64, int64, int64],
        }
        batch = plan_type(
            Minibatch, array(values, 2), block, index, int64, int64, block, block, block, array("float64", 1)
        )
        moments = [array(element, 1), array(element, 1), plan_type(AdamSettings, *[float64] * 7)]
        arguments |= {
            "load minibatch": [net, batch],
            "forward layer": [net, int64, batch],
            "head slopes": [net, batch],
            "activation slopes": [net, int64, batch],
            "backward layer": [net, int64, batch],
            "update weights": [net, int64, batch, *moments],
            "update biases": [net, batch, *moments],
            "copy": [array(element, 1), array(element, 1)],
        }
        for verb, own in arguments.items():
            yield Signature("masked", verb, f"{element}, {values}", LOOPS[verb, "cuda"], own)
