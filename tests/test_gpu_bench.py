"""The GPU benchmark, so that it works the first time that there is a card: all its parts on a few rows."""

from __future__ import annotations

import sys
from pathlib import Path

import numba
import pytest

GPU_BENCH = Path(__file__).resolve().parents[1] / "bench/gpu"
if not GPU_BENCH.exists():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
sys.path += [str(own) for own in (GPU_BENCH, GPU_BENCH.parent) if str(own) not in sys.path]

import gpu_report  # noqa: E402
import public_verbs  # noqa: E402
import targets  # noqa: E402
import twins  # noqa: E402
from comparison import checks_of, records_of  # noqa: E402
from rates import Rates, measured_rates  # noqa: E402

RATES = Rates(*[1e12] * len(Rates._fields))
simulated = pytest.mark.skipif(not numba.config.ENABLE_CUDASIM, reason="bench/gpu/run.py does it on a card")


@pytest.mark.gpu
@simulated
@pytest.mark.parametrize("name", public_verbs.PARTS)
def test_public_verbs_do_what_their_rivals_do(name):
    for comparison in public_verbs.PARTS[name](public_verbs.TINY, RATES):
        records = [*records_of(comparison, rounds=1)]
        assert records[0]["library"] == "fastdgm" and all(record["median_s"] > 0 for record in records)
        assert [check for check in checks_of(comparison) if not check["passed"]] == []


@pytest.mark.gpu
@simulated
@pytest.mark.parametrize("family", twins.TINY, ids=lambda own: own.func.__name__)
def test_twins_give_what_their_loops_give(family):
    records = [*twins.records_of([family], RATES)]
    assert records and [record for record in records if not record["right"]] == []


@pytest.mark.gpu
@simulated
def test_rates():
    assert min(measured_rates(table_bytes=1000, rounds=1)) > 0


# --- report ---


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
