"""The options that the scripts here share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bench.reproduce.protocol import RESULTS

DATA = Path(os.environ.get("FASTDGM_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def parse(description: str | None, names: Sequence[str]) -> argparse.Namespace:
    """``--data``, ``--work``, ``--results``, ``--only`` (some of the names; all by default) and ``--no-test``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with mnist/, debd/ and text/")
    parser.add_argument("--work", type=Path, default=Path("reproduce-work"), help="models, records and checkpoints")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results files go")
    parser.add_argument("--only", nargs="+", choices=names, default=list(names), metavar="NAME", help=", ".join(names))
    parser.add_argument("--no-test", action="store_true", help="train and choose; leave the test set alone")
    return parser.parse_args()
