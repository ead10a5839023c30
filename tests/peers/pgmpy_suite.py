"""pgmpy's own tests of what ``fd.patch("pgmpy")`` replaces."""

from __future__ import annotations

from suite import Suite

import fastdgm as fd

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
        "pgmpy/tests/test_models/test_DiscreteBayesianNetwork.py",
    ),
    begin=lambda: fd.patch("pgmpy"),
)
