"""What public verbs are to reach on a card of the H100's class; measured by gpu/run.py, asserted nowhere."""

from __future__ import annotations

from timings import Target, Timing, at_most, faster

LIMIT = ("limit",)


def share_of_limit(workload: str, operation: str, share: float) -> Target:
    """Of the rate at which the card could do it at best."""
    return Target(workload, Timing(operation, LIMIT), (Timing(operation),), share)


def times_own_cpu(workload: str, operation: str, times: float) -> Target:
    """As fast as fastdgm on two threads of the same machine's CPU."""
    return Target(workload, Timing(operation, ("own-cpu",), 2), (Timing(operation),), times)


GPU_TARGETS: dict[str, Target] = {
    "ALARM sampling, 100 M rows: share of the slowest of writing, random words and table reads": share_of_limit(
        "gpu-alarm", "sample", 0.6
    ),
    "ALARM sampling, 100 M rows: times own CPU on two threads": times_own_cpu("gpu-alarm", "sample", 200.0),
    "ALARM log_prob, 100 M rows: share of reading the codes": share_of_limit("gpu-alarm", "log_prob", 0.6),
    "ALARM log_prob, 100 M rows: times torch gathers on the card": faster(
        "gpu-alarm", "log_prob", "torch-gathers", 15.0
    ),
    "ALARM log p(e), 20 % missing (3e8 rows a second)": at_most(
        "gpu-alarm", Timing("log_prob, 20 % missing"), (), 1 / 300, "us per row"
    ),
    "MADE 784-500 sampling, 100 k rows: log_prob passes in torch on the card": at_most(
        "gpu-made-784-500", Timing("sample"), (Timing("sample", ("torch-pass",)),), 2.0
    ),
    "MADE 784-500 sampling, 100 k rows: times a pass per variable": faster(
        "gpu-made-784-500", "sample", "naive", 300.0
    ),
    "NADE 784-500 sampling, 100 k rows: times torch steps in a CUDA graph": faster(
        "gpu-nade-784-500", "sample", "torch-graph", 20.0
    ),
    "100 linear Gaussians, 10 M rows, sampling: share of copying as many bytes": share_of_limit(
        "gpu-linear-100", "sample", 0.5
    ),
    "100 linear Gaussians, 10 M rows, log_prob: share of copying as many bytes": share_of_limit(
        "gpu-linear-100", "log_prob", 0.5
    ),
    "ALARM sampling, 1 k rows, call after call": at_most("gpu-launch", Timing("sample"), (), 60.0, "us per call"),
    "ALARM log_prob, 1 k rows, call after call": at_most("gpu-launch", Timing("log_prob"), (), 60.0, "us per call"),
}
