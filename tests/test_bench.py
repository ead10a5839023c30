"""The benchmark: its rows run on few data, its verdicts are right, and what it has written is what it would write."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"
if not BENCH.is_dir():
    pytest.skip("bench/ is not part of this distribution", allow_module_level=True)
if str(BENCH) not in sys.path:
    sys.path.insert(0, str(BENCH))

clock, machine, report, rows, run, targets, versions, workloads, peers = (
    importlib.import_module(name)
    for name in ("clock", "machine", "report", "rows", "run", "targets", "versions", "workloads", "peers")
)
EVERY_WORKLOAD = {workload.name: workload for suite in workloads.SUITES.values() for workload in suite}


# --- clock -------------------------------------------------------------------------------------------------


def test_contestants_take_turns_and_each_begins_a_round():
    called = []
    contestants = {
        name: clock.Contestant(lambda name=name: called.append(name), repeatable=False, scale=2.0) for name in "ab"
    }
    contestants["slow"] = clock.Contestant(lambda: called.append("slow"), rounds=1)
    found = clock.interleaved(contestants, 3)
    assert "".join(name[0] for name in called) == "ab" + "abs" + "ba" + "ab"  # warm-up, then the rounds
    assert [len(found[name].seconds) for name in contestants] == [3, 3, 1]
    assert found["a"].summary()["rounds"] == 3


def test_preparation_is_outside_of_the_clock_and_before_every_call_that_needs_it():
    events = []
    contestant = clock.Contestant(lambda: events.append("call"), lambda: events.append("prepare"), repeatable=False)
    clock.interleaved({"one": contestant}, 2)
    assert events == ["prepare", "call"] * 3


def test_threads_that_spin_are_waited_for(monkeypatch):
    pauses = []
    spent = iter([0.0, 0.005, 0.005, 0.0101, 0.0101, 0.0102])  # before and after each pause: two that others work in
    monkeypatch.setattr(clock, "sleep", pauses.append)
    monkeypatch.setattr(clock, "process_time", lambda: next(spent))
    clock.settle()
    assert pauses == [clock.PAUSE_S] * 3


# --- rows --------------------------------------------------------------------------------------------------


def test_every_row_has_a_name_of_its_own():
    names = [row.name for workload in EVERY_WORKLOAD.values() for row in rows.rows_of(workload)]
    assert len(set(names)) == len(names) > 400
    assert {workload.family for workload in EVERY_WORKLOAD.values()} == set(peers.PEERS)


def test_a_missing_library_is_left_out_with_the_reason(monkeypatch):
    from peers.numpy_tables import NumpyTuned

    monkeypatch.setattr(NumpyTuned, "needs", ("no_such_package",))
    workload = EVERY_WORKLOAD["alarm-100k"]
    found, left_out = rows.Bench(workload, 20).measure(list(rows.rows_of(workload)), 1)
    reasons = {each["row"]: each["reason"] for each in left_out}
    assert reasons["alarm-100k/sample/numpy-tuned-1t"] == "not installed: no_such_package"
    assert {(r["library"], r["operation"]) for r in found} >= {
        (library, operation) for library in ("fastdgm", "numpy") for operation in ("sample", "log_prob", "fit")
    }
    for record in found:
        assert record["rows"] == 20 and record["variables"] == 37 and record["median_s"] > 0


def test_a_missing_data_file_leaves_out_the_workload(monkeypatch, tmp_path):
    monkeypatch.setattr(workloads, "SHARED_DATA", tmp_path)
    found, checks, left_out = run.measure_alone("munin-100k", 20, 1)
    assert not found and not checks
    assert left_out[0]["row"] == "munin-100k" and "optional data file" in left_out[0]["reason"]


def test_slow_libraries_get_fewer_rows_or_none():
    from peers.base import UnsuitableError
    from peers.pgmpy_frames import Pgmpy

    assert Pgmpy.rows_for("sample", 100_000, 37) == 27_027
    assert Pgmpy.rows_for("fit", 100, 37) == 100
    for n_rows, n_vars in ((1_000_000, 37), (100, 441)):
        with pytest.raises(UnsuitableError, match="too slow"):
            Pgmpy.rows_for("sample", n_rows, n_vars)


def test_rivals_of_a_masked_network_compute_the_same():
    pytest.importorskip("torch")
    from functools import partial

    from checks import CHECKS

    subject = partial(workloads.masked_subject, 12, (9, 7))(30)
    assert [each["passed"] for each in CHECKS["masked network"](subject)] == [True] * 3


def test_rivals_of_hybrid_networks_compute_the_same():
    pytest.importorskip("torch")
    from checks import CHECKS

    families = ("linear Gaussian", "conditional Gaussian", "logistic", "naive Bayes")
    for workload in (each for each in workloads.SUITES["hybrid"] if each.family in families):
        assert all(each["passed"] for each in CHECKS[workload.family](workload.make(500))), workload.name


def test_rivals_of_networks_with_modules_compute_the_same():
    pytest.importorskip("torch")
    from checks import CHECKS

    for workload in (each for each in workloads.SUITES["neural"] if each.family in CHECKS):
        assert all(each["passed"] for each in CHECKS[workload.family](workload.make(200))), workload.name


def test_rivals_give_the_same_answers_about_rows_with_missing_values():
    pytest.importorskip("pyagrum", reason="pyAgrum is not installed")
    from checks import CHECKS

    found = CHECKS["evidence"](EVERY_WORKLOAD["alarm-evidence"].make(20))
    assert len(found) == 10 and all(each["passed"] for each in found)


def test_what_is_missing_does_not_depend_on_the_number_of_rows():
    import numpy as np
    from evidence_rows import CASES_OBSERVED, MISSING, hidden_at_random, hidden_cases, partial, patterns

    subject = EVERY_WORKLOAD["alarm-evidence"].make(50)
    few, many = (patterns(subject.model, subject.rows[:n]) for n in (10, 50))
    for what, own in many.items():
        np.testing.assert_array_equal(own[:10], few[what])
        assert own.dtype == np.uint8 and own.flags.f_contiguous
    assert ((many["one hidden"] == MISSING).sum(axis=1) == 1).all()
    assert hidden_at_random((1000, 37), 0.2).mean() == pytest.approx(0.2, abs=0.01)
    cases = partial(subject.rows, hidden_cases(subject.rows.shape))
    assert ((cases != MISSING).sum(axis=1) == round(CASES_OBSERVED * 37)).all()
    assert len(np.unique(cases == MISSING, axis=0)) > 40


def test_multiply_adds_are_those_of_eliminating_what_is_hidden():
    """In the chain a -> b -> c of 2, 3 and 4 states."""
    import numpy as np
    from peers.evidence_floors import Counter

    import fastdgm as fd

    shapes = {"a": ([], (2,)), "b": (["a"], (2, 3)), "c": (["b"], (3, 4))}
    tables = {name: fd.CPT(parents, np.full(shape, 1 / shape[-1])) for name, (parents, shape) in shapes.items()}
    counter = Counter(fd.BayesNet(tables))
    hidden = {names: np.array([name in names for name in "abc"]) for names in ("", "b", "bc", "a")}
    counted = {names: counter.multiply_adds(own) for names, own in hidden.items()}
    assert counted == {"": 3, "b": 3 + 2 * 3, "bc": 1, "a": 3 + 2 * 2}


def test_rows_run_under_pytest_benchmark(tmp_path):
    file = tmp_path / "asia.json"
    command = [sys.executable, "-m", "pytest", "bench", "--benchmark-only", "-q", "-k", "asia-1", "--rows", "1"]
    subprocess.run([*command, f"--benchmark-json={file}"], cwd=ROOT, check=True, capture_output=True)
    own = [each["params"] and each["name"] for each in json.loads(file.read_text())["benchmarks"]]
    assert "test_row[asia-1/sample/fastdgm-1t]" in own and len(own) == 3


# --- targets -----------------------------------------------------------------------------------------------


def make_record(operation, library="fastdgm", seconds=1.0, **others):
    record = {"workload": "w", "operation": operation, "library": library, "label": library, "threads": 1}
    return record | {"rows": 100, "variables": 10, "median_s": seconds} | others


def test_times_as_fast_are_per_row():
    target = targets.faster("w", "sample", "rival", 5.0)
    verdict = targets.judge(target, [make_record("sample"), make_record("sample", "rival", 1.0, rows=20)])
    assert verdict.value == pytest.approx(5.0) and verdict.met == "met"
    slower = [make_record("sample", seconds=1.1), make_record("sample", "rival", 1.0, rows=20)]
    assert targets.judge(target, slower).met == "NOT MET"


def test_prices_add_up_and_the_fastest_read_counts():
    target = targets.at_most("w", targets.Timing("a"), (targets.Timing("b"), targets.Timing("a", targets.READS)), 1.5)
    records = [make_record("a", seconds=3.0), make_record("b")]
    records += [make_record("a", "read-max", 2.0), make_record("a", "read-sum", 1.0)]
    assert targets.judge(target, records).value == pytest.approx(1.5)
    assert targets.judge(target, records).met == "met"


def test_times_have_units_and_what_was_not_measured_has_no_verdict():
    for unit, value in (("us per row", 1e4), ("ns per cell", 1e6)):
        target = targets.at_most("w", targets.Timing("sample"), (), 1.0, unit)
        assert targets.judge(target, [make_record("sample")]).value == pytest.approx(value)
        assert targets.judge(target, [make_record("fit")]) is None


# --- report ------------------------------------------------------------------------------------------------


@pytest.fixture
def saved():
    return {name: results for name in report.SAVED if (results := machine.read_results(name))}


def test_what_is_saved_has_rows_and_a_date(saved):
    for suite in ("tables", "autoregressive", "hybrid"):
        assert saved[suite]["machine"]["date"] and saved[suite]["machine"]["cores"]
        assert {record["workload"] for record in saved[suite]["results"]} <= set(EVERY_WORKLOAD)
        judged = len(targets.verdicts(suite, saved[suite]["results"]))
        assert judged == len(targets.TARGETS[suite])
        assert judged


def test_the_pages_are_those_that_the_report_writes(saved):
    assert (BENCH / "results" / "README.md").read_text() == report.page(saved)
    text = (ROOT / "README.md").read_text()
    assert report.readme(text, saved) == text


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="speed:begin"):
        report.replace_section("text", "speed", ["table"])


# --- two versions ------------------------------------------------------------------------------------------


def test_sides_take_turns_and_a_slower_row_is_measured_again():
    asked = []

    def measure(side):
        asked.append(side)
        return {"old": 1.0, "new": 1.2}[side]

    found = versions.compare_twice("row", measure, 2)
    assert asked == ["old", "new", "new", "old"] * 2
    assert [each.ratio for each in found] == pytest.approx([1.2, 1.2])
    results = versions.results_of([found, versions.compare_twice("other", lambda side: 1.0, 1)])
    assert [each["slower"] for each in results["results"]] == [True, False]
    assert results["geometric_mean"] == pytest.approx(1.2**0.5, abs=1e-4)
    page = "\n".join(
        report.versions_report(
            {"machine": machine.machine_info(), "versions": {"old": "a", "new": "b"}, "rounds": 2, **results}
        )
    )
    assert "**1.200** | **1.200**" in page and "| 1.000 |  |" in page


def test_a_worker_runs_the_version_that_it_is_told_to(tmp_path):
    worker = versions.Worker(ROOT, 1)
    worker.close()
    (tmp_path / "fastdgm").mkdir()
    with pytest.raises(ValueError, match="holds no package fastdgm"):
        versions.Worker(tmp_path, 1)
