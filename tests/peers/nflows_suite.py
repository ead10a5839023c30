"""nflows' tests of its autoregressive transforms and flows."""

from __future__ import annotations

from suite import Suite

import fastdgm as fd

SUITE = Suite(
    "nflows==0.14",
    ("tests/transforms/autoregressive_test.py", "tests/flows/autoregressive_test.py"),
    lambda: fd.patch("nflows"),
)
