"""What the pages say about GPUs, with and without a card. ``.ci/run`` runs all of the benchmark on a few rows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
if not BENCH.exists():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
if str(BENCH) not in sys.path:
    sys.path.insert(0, str(BENCH))

import gpu_report  # noqa: E402
import targets  # noqa: E402


def results():
    def record(operation, library, seconds, **others):
        common = {"workload": "gpu-alarm", "model": "alarm", "variables": 37, "rows": 1000, "threads": 1}
        return common | {"operation": operation, "library": library, "label": library, "median_s": seconds} | others

    return [
        record("sample", "fastdgm", 1.0),
        record("sample", "limit", 0.5),
        record("sample", "own-cpu", 300.0, threads=2),
    ]


def test_targets_without_a_card_are_not_measured():
    assert gpu_report.targets_table({}).count(gpu_report.NOT_YET) == len(targets.TARGETS["gpu"])


def test_targets_of_a_card():
    table = gpu_report.targets_table({"NVIDIA H100": {"results": results()}})
    assert "**0.5 x, NOT MET**" in table and "300 x, met" in table
    assert table.count(gpu_report.NOT_YET) == len(targets.TARGETS["gpu"]) - 2


def test_the_section_of_a_card():
    gpu = {"name": "NVIDIA H100", "copied_bytes_per_second": 2.4e12}
    machine = {"gpu": gpu, "processor": "CPU", "cores": 16, "date": "2026-01-01T00:00:00"}
    failures = [{"part": "MADE sampling", "error": "TypeError: no"}]
    kept = {"machine": machine, "results": results(), "checks": [{"passed": True}], "failures": failures}
    text = "\n".join(gpu_report.gpu_section({"NVIDIA H100": kept}))
    assert "1 of 1 checks passed. Failed: MADE sampling: TypeError: no." in text
    assert "copied bytes per second 2.4e+12" in text
