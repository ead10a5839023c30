"""hmmlearn's own tests with our recursions behind its models."""

from __future__ import annotations

from suite import Suite

import fastdgm as fd

SUITE = Suite(
    requirement="hmmlearn==0.3.3",
    files=("tests",),
    begin=lambda: fd.patch("hmmlearn"),
    package="hmmlearn",
)
