"""Of the twins of tables."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import uint64

from fastdgm.engines.tables.loops_cuda import LOOPS

from .signature import Signature, array


def table_signatures() -> Iterator[Signature]:
    """All verbs, for both types of codes."""
    words, slots, table, rows = array("uint32", 1), array("uint64", 1), array("float64", 1), array("float64", 2)
    for codes in ("uint8", "uint16"):
        block = array(codes, 2)
        arguments = {
            "sample": [uint64, uint64, words, slots, block],
            "log_prob columns": [words, table, block, table],
            "log_prob per variable": [words, table, block, rows],
            "log_prob of states": [words, table, block, rows],
            "count": [words, block, table, table],
            "count rows": [words, block, slots],
        }
        for verb, own in arguments.items():
            yield Signature("tables", verb, codes, LOOPS[verb, "cuda"], own)
    verb = "posterior of states"
    yield Signature("tables", verb, "", LOOPS[verb, "cuda"], [rows, table, array("int64", 1)])
