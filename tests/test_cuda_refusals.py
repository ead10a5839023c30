"""Arrays of a GPU where only the CPU reads: refused by name, never copied unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from device_array import DeviceArray

import fastdgm as fd

pytestmark = pytest.mark.gpu


def network() -> fd.BayesNet:
    return fd.BayesNet({"a": fd.Bernoulli(0.3), "b": fd.CPT(["a"], [[0.6, 0.4], [0.1, 0.9]])})


ROWS = np.array([[0, 1], [1, 1], [0, 0]], np.uint8)
CALLS: dict[str, Callable[[fd.BayesNet, Any], Any]] = {
    "sample_weight": lambda net, there: net.fit(ROWS, sample_weight=there(np.ones(3))),
    "given=": lambda net, there: net.sample(given=there(ROWS), device="cpu"),
    "a row in a list": lambda net, there: net.log_prob([there(row) for row in ROWS]),
    "do= of 'a'": lambda net, there: net.do({"a": there(ROWS[:, 0])}),
    r"posterior\(given=\)": lambda net, there: net.posterior(["a"], given={"b": there(ROWS[:, 1])}),
}


@pytest.mark.parametrize("what", CALLS)
def test_what_the_cpu_reads_is_refused_by_name(what: str) -> None:
    with pytest.raises(TypeError, match=what + r".*is on a GPU.*\.cpu\(\)"):
        CALLS[what](network(), DeviceArray)


def test_options_of_the_cpu_are_not_ignored() -> None:
    with pytest.raises(TypeError, match=r"fit\(checkpoint=\) has no loops for GPUs"):
        network().fit(DeviceArray(ROWS), checkpoint="unused")


def test_the_context_of_pieces_needs_no_more_than_its_interface() -> None:
    made = fd.MADE(3, (4,), n_context=2, seed=0)
    context = np.array([[0.5, -1.0]], np.float32)
    (piece,) = made.iter_samples(2, context=DeviceArray(context), seed=0)
    assert (piece.copy_to_host() == made.sample(2, context=context, seed=0)).all()
