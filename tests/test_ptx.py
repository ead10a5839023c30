"""What is kept of registers, local memory and spills: of every twin, and within bounds."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GPU_BENCH = ROOT / "bench/gpu"
if not GPU_BENCH.exists():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
sys.path += [str(own) for own in (GPU_BENCH, GPU_BENCH.parent) if str(own) not in sys.path]

import ptx_bounds  # noqa: E402
from families import twin_names  # noqa: E402
from machine import read_results  # noqa: E402

KEPT = read_results("ptx")
RECORDS = {record["twin"]: record for record in KEPT["twins"]}


def test_the_tools_are_named():
    assert set(KEPT["tools"]) == {"numba", "numba-cuda", "ptxas"}
    assert KEPT["capabilities"] == ["7.5", "8.0", "9.0"]


def test_every_table_of_twins_is_among_the_families():
    tables = [
        path for path in (ROOT / "fastdgm").rglob("*.py") if re.search(r"^LOOPS\b.*\n.*Twin\(", path.read_text(), re.M)
    ]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in tables}
    assert set(re.findall(r"^from ([\w.]+) import LOOPS", (GPU_BENCH / "families.py").read_text(), re.M)) == modules


def test_every_twin_has_figures():
    assert {ptx_bounds.twin_of(record) for record in RECORDS.values()} == twin_names()


@pytest.mark.parametrize("name", RECORDS)
def test_figures_are_within_bounds(name):
    assert ptx_bounds.broken_bounds(RECORDS[name]) == []


def test_twins_with_many_registers_are_there():
    found = {ptx_bounds.twin_of(own) for own in RECORDS.values() if max(own["registers"]) > ptx_bounds.MOST_REGISTERS}
    assert found == set(ptx_bounds.MANY_REGISTERS)


def test_twins_with_local_memory_are_there():
    assert {ptx_bounds.twin_of(own) for own in RECORDS.values() if any(own["stack_bytes"])} == set(
        ptx_bounds.LOCAL_MEMORY
    )


# --- bounds ---


def record(**figures):
    plain = {"twin": "tables: sample [uint8]", "threads_per_block": 256, "registers": [40] * 3}
    names = "shared_bytes", "stack_bytes", "spill_store_bytes", "spill_load_bytes"
    none = {name: [0, 0, 0] for name in names}
    return plain | none | figures


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"spill_load_bytes": [0, 4, 0]}, "spills"),
        ({"registers": [40, 130, 40], "threads_per_block": 32}, "130 registers"),
        ({"registers": [40, 40, 100], "threads_per_block": 1024}, "cannot be launched"),
        ({"stack_bytes": [32, 32, 32]}, "LOCAL_MEMORY"),
        ({"shared_bytes": [0, 0, 65536]}, "shared memory"),
    ],
)
def test_what_is_beyond_them_is_told(figures, words):
    (found,) = ptx_bounds.broken_bounds(record(**figures))
    assert words in found


def test_growth_is_told():
    assert ptx_bounds.growth(record(registers=[48, 40, 40]), record()) == []
    assert ptx_bounds.growth(record(registers=[40, 49, 40]), record()) == ["registers [40, 40, 40] -> [40, 49, 40]"]
    assert ptx_bounds.growth(record(stack_bytes=[0, 0, 8]), record()) == ["stack_bytes [0, 0, 0] -> [0, 0, 8]"]
