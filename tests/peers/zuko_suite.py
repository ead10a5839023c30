"""zuko's tests of its flows."""

from __future__ import annotations

from suite import Suite

import fastdgm as fd

SUITE = Suite(
    "zuko==1.6.0",
    ("tests/test_flows.py",),
    lambda: fd.patch("zuko"),
)
