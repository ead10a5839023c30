"""The targets of exact answers about rows with missing values."""

from __future__ import annotations

from timings import Timing, at_most, faster, scaling

TIMES_PYAGRUM = {  # with 20 and 50 % missing
    "alarm": (4000.0,),
    **dict.fromkeys(("child", "hepar2", "win95pts", "hailfinder"), (1500.0, 1000.0)),
    "insurance": (1500.0, 250.0),
    "pigs": (1000.0, 500.0),
    "barley": (100.0,),
    "munin1": (100.0,),
}

EVIDENCE_TARGETS = (
    *(
        at_most("alarm-evidence", Timing(f"log_prob, {missing}"), (), limit, "us per row")
        for missing, limit in (("20 % missing", 0.15), ("50 % missing", 0.25), ("80 % missing", 0.30))
    ),
    *(
        faster(f"{network}-evidence", f"log_prob, {missing}", "pyagrum", times)
        for network, limits in TIMES_PYAGRUM.items()
        for missing, times in zip(("20 % missing", "50 % missing"), limits, strict=False)
    ),
    *(
        at_most("alarm-evidence", Timing(f"marginals, {missing}"), (Timing(f"log_prob, {missing}"),), 3.0)
        for missing in ("20 % missing", "50 % missing", "80 % missing")
    ),
    *(
        at_most(f"{network}-cases", Timing("marginals"), (), limit, "us per row")
        for network, limit in (("hailfinder", 10.0), ("pigs", 2000.0), ("munin1", None))
    ),
    faster("alarm-evidence", "predict_proba, one hidden", "nbn", 10.0),
    *(
        at_most("alarm-complete", Timing(operation), (Timing("log_prob", ("tables-alone",)),), 1.1)
        for operation in ("log_prob", "log_prob, one cell missing")
    ),
    at_most("alarm-given", Timing("sample, 3 observed"), (Timing("sample"),), 1.5),
    at_most("alarm-incomplete", Timing("EM iteration"), (Timing("marginals"),), 1.5),
    *(
        at_most(f"{network}-first", Timing(f"first {verb}"), (), limit, "ms per call")
        for network, limit in (("alarm", 30.0), ("pigs", 1000.0))
        for verb in ("log_prob", "marginals")
    ),
    at_most("alarm-first", Timing("cold first answers"), (), 15_000.0, "ms per call"),
    *(
        scaling(workload, operation, 1.8)
        for workload, operations in (
            *((f"{network}-evidence", ("log_prob, 20 % missing",)) for network in TIMES_PYAGRUM),
            ("alarm-evidence", ("log_prob, 50 % missing", "log_prob, 80 % missing", "marginals, 20 % missing")),
            ("hailfinder-cases", ("marginals",)),
            ("pigs-cases", ("marginals",)),
            ("alarm-given", ("sample, 3 observed",)),
            ("alarm-incomplete", ("EM iteration",)),
        )
        for operation in operations
    ),
)
