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
        reason='numba-cuda is not installed: pip install "fastdgm[cuda]"',
    ),
]
if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    pytest.skip("the simulator compiles nothing", allow_module_level=True)
if not GPU_BENCH.exists():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
if str(GPU_BENCH) not in sys.path:
    sys.path.insert(0, str(GPU_BENCH))

from assembled import ptx_of  # noqa: E402
from families import twin_names  # noqa: E402
from quantile_twins import TWINS  # noqa: E402
from signatures import Signature, all_signatures  # noqa: E402
from signatures.signature import array  # noqa: E402

SIGNATURES = {signature.name: signature for signature in all_signatures()}


def assert_compiles(signature: Signature) -> None:
    ptx = ptx_of(signature, "8.0")
    assert ".visible .entry" in ptx
    assert "st.global" in ptx or "atom." in ptx or "red." in ptx


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_twin_compiles(name):
    assert_compiles(SIGNATURES[name])


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("name", TWINS)
def test_the_numbers_of_quantiles_compile(name, element):
    from numba.types import int64, uint64

    arguments = [uint64, uint64, int64, array(element, 2)]
    assert_compiles(Signature("quantiles", name, element, TWINS[name], arguments))


def test_every_twin_has_a_signature():
    assert {f"{own.family}: {own.verb}" for own in SIGNATURES.values()} == twin_names()
