"""What was uploaded to a GPU stays out of pickles and copies, and is of no use after a fork."""

from __future__ import annotations

import copy
import os
import pickle

import numpy as np
import pytest
from masked_models import random_made
from processes import run_python

import fastdgm as fd

pytestmark = pytest.mark.gpu


def hybrid() -> fd.BayesNet:
    return fd.BayesNet({"a": fd.Bernoulli(0.3), "x": fd.LinearGaussian(["a"], intercept=[0.0, 2.0], std=[1.0, 0.5])})


def chain() -> fd.MarkovChain:
    return fd.MarkovChain(1).fit(["emma", "ava"])


def rows_of(x) -> list:
    x = x.to("cpu") if hasattr(x, "to") else x
    return x if isinstance(x, list) else np.asarray(x.copy_to_host() if hasattr(x, "copy_to_host") else x).tolist()


MODELS = {
    "tables": lambda: fd.example("sprinkler"),
    "hybrid": hybrid,
    "MADE": lambda: random_made(3, 4),
    "ragged": chain,
    "rows": lambda: fd.MarkovChain(1).fit(np.array([[0, 1], [1, 1]])),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_uploads_stay_where_they_are(make):
    model = make()
    before = len(pickle.dumps(model))
    drawn = rows_of(model.sample(3, seed=0, device="cuda"))
    assert len(pickle.dumps(model)) == before
    for own in (pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model)):
        assert rows_of(own.sample(3, seed=0, device="cuda")) == drawn


FORKED = """
import os, warnings
import fastdgm as fd

warnings.simplefilter("ignore")  # of numba-cuda, and of os.fork beside the driver's threads
warnings.filterwarnings("error", module="fastdgm")

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except RuntimeError as error:
            os._exit(3 if "forked after its parent had used a GPU" in str(error) else 4)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

chain = fd.MarkovChain(1).fit(["emma", "ava"])
on_card = lambda: chain.sample(3, seed=0, device="cuda")
assert child(on_card) == 0
on_card()
assert child(on_card) == 3
assert child(lambda: chain.sample(3, seed=0)) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_a_process_that_used_a_gpu_is_told():
    run_python(FORKED)
