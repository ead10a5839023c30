"""Programs of pgmpy's users, on ALARM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairs import Pair, Program

import fastdgm as fd

NEEDS = ("pgmpy", "pandas")
ROWS = 1_000_000


def pair(ours: Callable[[], Any], theirs: Callable[[], Any] | None = None, theirs_scale: float = 1.0) -> Pair:
    """A program with the patch and without it; both have run once."""

    def patched() -> Any:
        with fd.patch("pgmpy"):
            return ours()

    patched()
    own = theirs or ours
    own()
    return Pair(patched, own, theirs_scale)


def simulate() -> Pair:
    """Rows of the network as categories."""
    model = fd.example("alarm").to_pgmpy()
    return pair(
        lambda: model.simulate(ROWS, seed=0, show_progress=False),
        lambda: model.simulate(ROWS // 10, seed=0, show_progress=False),
        theirs_scale=10,
    )


def forward_sample() -> Pair:
    """Rows of the network as strings."""
    from pgmpy.sampling import BayesianModelSampling

    sampler = BayesianModelSampling(fd.example("alarm").to_pgmpy())
    return pair(
        lambda: sampler.forward_sample(ROWS, seed=0, show_progress=False),
        lambda: sampler.forward_sample(ROWS // 10, seed=0, show_progress=False),
        theirs_scale=10,
    )


def rejection_sample() -> Pair:
    """Rows under evidence of probability 0.05."""
    from pgmpy.sampling import BayesianModelSampling

    sampler = BayesianModelSampling(fd.example("alarm").to_pgmpy())
    known = [("HRBP", "LOW"), ("CVP", "LOW")]
    return pair(
        lambda: sampler.rejection_sample(known, 100_000, seed=0, show_progress=False),
        lambda: sampler.rejection_sample(known, 2_000, seed=0, show_progress=False),
        theirs_scale=50,
    )


def read_bif() -> Pair:
    """A text of BIF to a model."""
    from pgmpy.readwrite import BIFReader

    from fastdgm.io import write_bif

    text = write_bif(fd.example("alarm"))
    return pair(lambda: BIFReader(string=text).get_model())


TENTH = "pgmpy draws a tenth of the rows, whose time is multiplied"
FEW = "pgmpy draws 2 000 rows, whose time is multiplied"
PROGRAMS = [
    Program("pgmpy simulate, 1 M rows of alarm", NEEDS, 100, simulate, 5, TENTH),
    Program("pgmpy forward_sample, 1 M rows of alarm", NEEDS, None, forward_sample, 5, TENTH),
    Program(
        "pgmpy rejection_sample, 100 k rows of alarm",
        NEEDS,
        None,
        rejection_sample,
        3,
        "pgmpy draws 2 000 rows, whose time is multiplied",
    ),
    Program("pgmpy BIFReader, alarm", NEEDS, None, read_bif, 5),
]
