"""Registers, local memory and spills of every twin, found without a card, kept as ``bench/results/ptx.json``.

python bench/gpu/ptx.py [word ...]: of all twins, or only of those whose names contain all of the words. Needs
numba-cuda and a ptxas, and no driver: .github/CONTRIBUTING.md says how to get them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assembled import CAPABILITIES, assembler_version, figures_of
from signatures import Signature, all_signatures

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from machine import read_results, write_results

NAME = "ptx"
Record = dict[str, Any]


def tools() -> dict[str, str]:
    """What figures depend on besides the kernels."""
    return {"numba": version("numba"), "numba-cuda": version("numba-cuda"), "ptxas": assembler_version()}


def record_of(signature: Signature) -> Record:
    """The figures of a twin; each is a list in the order of the capabilities."""
    by_capability = figures_of(signature)
    found = [by_capability[capability] for capability in CAPABILITIES]
    columns = {name: [getattr(own, name) for own in found] for name in found[0]._fields}
    return {"twin": signature.name, "threads_per_block": signature.twin.threads_per_block} | columns


def kept_records() -> dict[str, Record]:
    """By name."""
    kept = read_results(NAME)
    return {own["twin"]: own for own in kept["twins"]} if kept else {}


def line(record: Record) -> str:
    """Of a printed table."""
    figures = (record[name] for name in ("registers", "stack_bytes", "spill_store_bytes", "spill_load_bytes"))
    return " | ".join([f"{record['twin']:64}", *("/".join(map(str, own)) for own in figures)])


def measured(signatures: Iterable[Signature]) -> dict[str, Record]:
    """One broken twin must not hide the others, it keeps no figures; nor must an interrupt."""
    found: dict[str, Record] = {}
    for signature in signatures:
        try:
            found[signature.name] = record_of(signature)
        except Exception as error:
            print(f"{signature.name}: BROKEN, {str(error).strip()[:300]}", flush=True)
        else:
            print(line(found[signature.name]), flush=True)
    return found


def keep(found: dict[str, Record], every: list[Signature]) -> Path:
    """Records of the twins that there are, in their order."""
    twins = [found[own.name] for own in every if own.name in found]
    return write_results(NAME, {"tools": tools(), "capabilities": [*CAPABILITIES], "twins": twins})


def main() -> None:
    """Compile, assemble, print, keep."""
    words, every = sys.argv[1:], all_signatures()
    print(f"for compute capabilities {', '.join(CAPABILITIES)}: registers | stack | spill stores | spill loads")
    asked = [own for own in every if all(word in own.name for word in words)]
    found = measured(asked)
    print("kept as", keep(kept_records() | found, every))


if __name__ == "__main__":
    main()
