"""pgmpy's own tests of what ``fd.patch("pgmpy")`` replaces."""

from __future__ import annotations

import gzip
import os
import tempfile
from importlib import resources
from pathlib import Path

from suite import Suite

import fastdgm as fd


def begin() -> None:
    """The patch, and a folder to run in with the network that the tests read and the distribution has elsewhere."""
    fd.patch("pgmpy")
    os.chdir(tempfile.mkdtemp())
    data = Path("pgmpy/tests/test_readwrite/testdata")
    data.mkdir(parents=True)
    water = resources.files("pgmpy") / "utils/example_models/water.bif.gz"
    (data / "water.bif").write_bytes(gzip.decompress(water.read_bytes()))


NEED_A_NETWORK = (
    "TestVariableElimination::test_query_raises_for_empty_variables",
    "TestVariableEliminationLinearGaussianAndFunctionalBayesian::test_query_functional_bayesian",
    "TestVariableEliminationLinearGaussianAndFunctionalBayesian::test_query_linear_gaussian",
)

SUITE = Suite(
    requirement="pgmpy==1.1.2",
    files=(
        "pgmpy/tests/test_sampling/test_BayesianModelSampling.py",
        "pgmpy/tests/test_readwrite/test_BIF.py",
        "pgmpy/tests/test_inference/test_ExactInference.py",
        "pgmpy/tests/test_estimators/test_MaximumLikelihoodEstimator.py",
        "pgmpy/tests/test_estimators/test_BayesianEstimator.py",
        "pgmpy/tests/test_parameter_estimator/test_MaximumLikelihoodEstimator.py",
        "pgmpy/tests/test_parameter_estimator/test_BayesianEstimator.py",
    ),
    begin=begin,
    options=("--import-mode=importlib",),
    skipped=dict.fromkeys(NEED_A_NETWORK, "needs the network: it loads a model from Hugging Face"),
)
