"""MADE and FVSBN by every method, for pytest-benchmark.

    pytest bench/bench_autoregressive.py --benchmark-only -k "784-500 and sample"

``autoregressive.py`` is the measurement that speed claims rest on: it interleaves the methods.
"""

from __future__ import annotations

from typing import Any

import pytest
from masked_groups import GRID, ROWS, about, masked_model, masked_tasks

CASES = [*GRID, (784, ())]
OPERATIONS = {"sample": ("fastdgm", "prefix-loop", "naive"), "log_prob": ("fastdgm", "torch-masked", "torch-baked")}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("operation, method", [(o, m) for o, methods in OPERATIONS.items() for m in methods])
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, (case[0], *case[1]))))
def test_speed(
    benchmark: Any, monkeypatch: Any, case: tuple[int, tuple[int, ...]], operation: str, method: str, rows: int
) -> None:
    """On one thread; the naive method runs a part of its passes (extra_info: scale)."""
    torch = pytest.importorskip("torch")
    from peers_ar.torch_masked import TorchMasked

    monkeypatch.setenv("FASTDGM_NUM_THREADS", "1")
    torch.set_num_threads(1)
    model = masked_model(*case)
    tasks = masked_tasks(model, TorchMasked(model), rows, threads=1, naive=True)
    task = next(each for each in tasks if (each.operation, each.method) == (operation, method))
    benchmark.group = f"{about(model, rows)['model']} {operation}, {rows} rows"
    benchmark.extra_info["scale"] = task.scale
    benchmark.pedantic(task.call, rounds=7, warmup_rounds=1, iterations=1)
