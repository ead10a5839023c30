"""Every example in a docstring runs."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import fastdgm

MODULES = [
    module.name
    for module in pkgutil.walk_packages(fastdgm.__path__, "fastdgm.")
    if not module.name.startswith("fastdgm.kernels") and module.name != "fastdgm.__main__"
]
OPTIONAL = {"dask", "hmmlearn", "nflows", "pgmpy", "pyro", "sbi", "sklearn", "torch", "zuko"}


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    try:
        module = import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name not in OPTIONAL:
            raise
        pytest.skip(f"{missing.name} is not installed")
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_the_main_verbs_have_examples():
    module = import_module("fastdgm.bayesnet")
    assert doctest.testmod(module).attempted >= 10
