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
NEEDS = {
    "fastdgm.interop.torch_autograd": "torch",
    "fastdgm.interop.torch_distribution_pyro": "pyro",
}


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed")
    result = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_the_main_verbs_have_examples():
    module = import_module("fastdgm.bayesnet")
    assert doctest.testmod(module).attempted >= 10
