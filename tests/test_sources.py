"""Which files a compiled kernel depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdgm.kernels import sources

FILES = {
    "__init__": "WIDTH = 8\n",
    "base": "import math\nfrom typing import NamedTuple\n",
    "middle": "from .base import (\n    one,  # as in (1)\n    two,\n)\n",
    "inner": "def f():\n    if True:\n        from . import middle\n    return middle\n",
    "absolute": '"""Prose may import what it likes."""\nimport package.base\nif 1: from package import middle\n',
    "continued": "from .\\\n    base import one\n",
    "circle": "from .other_half import f\n",
    "other_half": "def f():\n    from .circle import f\n",
    "alone": "import numpy as np  # not the base\nbase = 'middle'\n",
}
MADE_OF = {
    "base": {"base"},
    "middle": {"base", "middle"},
    "inner": {"__init__", "base", "inner", "middle"},
    "absolute": {"absolute", "base", "middle"},
    "continued": {"base", "continued"},
    "circle": {"circle", "other_half"},
    "other_half": {"circle", "other_half"},
    "alone": {"alone"},
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    for name, source in FILES.items():
        (folder / f"{name}.py").write_text(source)
    yield folder
    sources._imported_names.cache_clear()


def hashes(folder: Path) -> dict[str, str]:
    sources._imported_names.cache_clear()
    return {name: sources.source_hash(folder / f"{name}.py") for name in FILES}


@pytest.mark.parametrize("name", MADE_OF)
def test_imports_at_any_depth_are_found(package, name):
    assert {file.stem for file in sources.files_of(package / f"{name}.py")} == MADE_OF[name]


@pytest.mark.parametrize("changed", FILES)
def test_one_line_changes_the_key_of_what_imports_it_and_of_nothing_else(package, changed):
    before = hashes(package)
    with (package / f"{changed}.py").open("a") as file:
        file.write("# one more comment\n")
    after = hashes(package)
    different = {name for name in FILES if before[name] != after[name]}
    assert different == {name for name in MADE_OF if changed in MADE_OF[name]} | {changed}


def test_the_hash_is_of_the_sources_alone(package, tmp_path):
    before = hashes(package)
    moved = package.rename(tmp_path / "elsewhere")
    assert hashes(moved) == before
    assert len(set(before.values())) == len(FILES) - 1  # the two halves of the circle are made of the same


def test_kernels_depend_on_what_compiles_them():
    kernels = Path(sources.__file__).parent
    for path in kernels.glob("*.py"):
        if "from .jit import" in path.read_text():
            assert {"jit", "cache"} <= {file.stem for file in sources.files_of(path)}
