"""Of the twins that narrow and check matrices, and add up."""

from __future__ import annotations

from collections.abc import Iterator

import numba
from numba.types import boolean, float64, int64

from fastdgm.engines.cuda_matrices import LOOPS

from .signature import Signature, array


def matrix_signatures() -> Iterator[Signature]:
    """All verbs, for numbers of several types."""
    flags, total = [array("int64", 1), int64], array("float64", 2)
    for element in ("int64", "uint8", "float32"):
        x = array(element, 2, "A")
        arguments = {
            "check codes": [x, int64, *flags],
            "load codes": [x, int64, int64, *flags, array("uint8", 2)],
            "load reals": [x, int64, *flags, array("float32", 2)],
            "load uniforms": [x, float64, *flags, total],
        }
        for verb, own in arguments.items():
            yield Signature("matrices", verb, element, LOOPS[verb, "cuda"], own)
    alone = {
        "clear flags": [flags[0]],
        "check scores": [total, *flags],
        "check undefined": [numba.types.Array(boolean, 1, "C"), *flags],
        "partial sums": [array("float64", 1), array("float64", 1)],
    }
    for verb, own in alone.items():
        yield Signature("matrices", verb, "", LOOPS[verb, "cuda"], own)
