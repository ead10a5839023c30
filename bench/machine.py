"""What a result was measured on, and the files that results are kept in."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PEERS = "pgmpy nbn pyagrum pybnesian scikit-learn zuko nflows nltk hmmlearn"
PACKAGES = f"fastdgm numpy numba scipy torch jax pandas pyarrow dask {PEERS}"


def machine_info() -> dict[str, Any]:
    """Processor, cores, versions, date, thread settings, and how busy the machine was."""
    import fastdgm as fd

    versions = {name: _version(name) for name in PACKAGES.split()} | {"fastdgm": fd.__version__}
    settings = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "system": platform.platform(terse=True),
        "python": sys.version.split()[0],
        "versions": {name: found for name, found in versions.items() if found},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "thread_settings": settings,
        "load_average_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The name that the processor gives itself, and the family that LLVM takes it for."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    try:
        from llvmlite.binding import get_host_cpu_name
    except ImportError:
        return name
    return f"{name} ({get_host_cpu_name()})"


def write_results(name: str, results: dict[str, Any]) -> Path:
    """Keep a run as ``results/<name>.json``, one record to a line."""
    RESULTS.mkdir(exist_ok=True)
    parts = [f'"{key}": {_lines(value)}' for key, value in results.items()]
    path = RESULTS / f"{name}.json"
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return path


def _lines(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join("  " + json.dumps(record) for record in value) + "\n]"


def read_results(name: str) -> dict[str, Any] | None:
    """A run kept earlier; None if there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
