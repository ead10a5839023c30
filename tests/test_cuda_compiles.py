"""Every CUDA twin compiles to PTX, without a GPU: this finds the typing errors that the simulator cannot see.

For which types, ``bench/gpu/signatures`` says, a file for each family.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

GPU_BENCH = Path(__file__).resolve().parents[1] / "bench/gpu"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("numba_cuda") is None,
        reason='numba-cuda is not installed: pip install ".[cuda]" in the checkout',
    ),
]
if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    pytest.skip("the simulator compiles nothing", allow_module_level=True)
if not GPU_BENCH.exists():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
sys.path += [str(own) for own in (GPU_BENCH, GPU_BENCH.parent) if str(own) not in sys.path]

import ptx  # noqa: E402
import ptx_bounds  # noqa: E402
from assembled import assembler, ptx_of  # noqa: E402
from families import twin_names  # noqa: E402
from quantile_twins import TWINS  # noqa: E402
from signatures import Signature, all_signatures  # noqa: E402
from signatures.signature import array  # noqa: E402

SIGNATURES = {signature.name: signature for signature in all_signatures()}


def assert_compiles(signature: Signature) -> None:
    text = ptx_of(signature, ["8.0"])["8.0"]
    assert ".visible .entry" in text
    assert "st.global" in text or "atom." in text or "red." in text


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_twin_compiles(name):
    assert_compiles(SIGNATURES[name])


@pytest.mark.skipif(assembler() is None, reason="ptxas is neither in NVIDIA's wheels nor on PATH")
@pytest.mark.parametrize("name", SIGNATURES)
def test_the_twin_spills_nothing_and_has_not_grown(name):
    found = ptx.record_of(SIGNATURES[name])
    kept = ptx.kept_records().get(name, found)
    assert ptx_bounds.broken_bounds(found) == []
    assert ptx_bounds.growth(found, kept) == [], "python bench/gpu/ptx.py keeps new figures"


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("name", TWINS)
def test_the_numbers_of_quantiles_compile(name, element):
    from numba.types import int64, uint64

    arguments = [uint64, uint64, int64, array(element, 2)]
    assert_compiles(Signature("quantiles", name, element, TWINS[name], arguments))


def test_every_twin_has_a_signature():
    assert {f"{own.family}: {own.verb}" for own in SIGNATURES.values()} == twin_names()
