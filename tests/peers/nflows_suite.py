"""nflows' tests of its autoregressive transforms and flows."""

from __future__ import annotations

import torch
from suite import Suite

import fastdgm as fd


def begin() -> None:
    """Seeded: of random weights in float32, an inverse is asked for to 1e-6, which nflows' own misses now and then."""
    torch.manual_seed(0)
    fd.patch("nflows")


SUITE = Suite("nflows==0.14", ("tests/transforms/autoregressive_test.py", "tests/flows/autoregressive_test.py"), begin)
