"""Of the twins of parameters that torch modules gave."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from numba.types import int64, uint64

from fastdgm.engines.torch.neural_loops_cuda import LOOPS
from fastdgm.kernels.module_features import Features
from fastdgm.kernels.module_reals import MixtureParts, NormalParts
from fastdgm.kernels.module_tiles import Cells

from .signature import Signature, array, plan_type


def module_signatures() -> Iterator[Signature]:
    """All verbs, for codes and numbers of both types."""
    cells = plan_type(Cells, int64, int64, uint64)
    for number, codes in product(("float32", "float64"), ("uint8", "uint16")):
        flat, deep = array(number, 2), array(number, 3)
        families = {
            "bernoulli": (flat, codes),
            "categorical": (deep, codes),
            "normal": (plan_type(NormalParts, flat, flat), number),
            "mixture": (plan_type(MixtureParts, deep, deep, deep), number),
        }
        plan, blocks = plan_type(Features, *["uint32"] * 5), [array(codes, 2), array(number, 2)]
        arguments = {"features": [plan, int64, *blocks, array("float32", 2)]}
        for family, (parameters, kind) in families.items():
            if kind == codes or codes == "uint8":  # those of reals do not see codes
                block = array(kind, 2)
                arguments[f"sample {family}"] = [uint64, uint64, cells, parameters, block]
                arguments[f"log_prob {family}"] = [cells, parameters, block, array("float64", 1)]
        for verb, own in arguments.items():
            yield Signature("neural", verb, f"{number}, {codes}", LOOPS[verb, "cuda"], own)
