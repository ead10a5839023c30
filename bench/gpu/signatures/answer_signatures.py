"""Of the twins that make answers of exact evidence."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import int64

from fastdgm.engines.junction.loops_cuda import LOOPS

from .signature import Signature, array


def answer_signatures() -> Iterator[Signature]:
    """All verbs, for both types of codes."""
    totals = array("float64", 1)
    yield Signature("junction", "subtract", "", LOOPS["subtract", "cuda"], [totals, totals])
    for codes in ("uint8", "uint16"):
        block = array(codes, 2)
        arguments = {
            "largest share": [totals, int64, array(codes, 1)],
            "modes": [array("int64", 1), block, totals, block],
            "copy row": [block, int64, block],
        }
        for verb, own in arguments.items():
            yield Signature("junction", verb, codes, LOOPS[verb, "cuda"], own)
    yield Signature("junction", "widen", "", LOOPS["widen", "cuda"], [array("uint8", 2), array("uint16", 2)])
