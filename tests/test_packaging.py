"""What is installed: every folder and data file, no top-level ``kernels``, and names that all resolve."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import fastdgm

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
SOURCES = sorted((ROOT / "fastdgm").rglob("*.py"))


def folder_of(package: str) -> Path:
    return ROOT / "kernels" if package == "fastdgm.kernels" else ROOT / Path(*package.split("."))


def test_the_list_of_packages_is_the_list_of_folders():
    folders = {path.parent for path in SOURCES} | {(ROOT / "fastdgm" / "kernels")}
    assert sorted(PACKAGES) == sorted(".".join(path.relative_to(ROOT).parts) for path in folders)
    assert all((folder_of(package) / "__init__.py").is_file() for package in PACKAGES)


def test_kernels_is_one_folder_seen_from_two_places():
    link = ROOT / "fastdgm" / "kernels"
    assert not link.is_dir() or link.resolve() == ROOT / "kernels"  # an sdist has no links
    assert PROJECT["tool"]["setuptools"]["package-dir"] == {"fastdgm": "fastdgm", "fastdgm.kernels": "kernels"}
    assert not [path for path in (ROOT / "kernels").iterdir() if path.is_dir() and path.name != "__pycache__"]


def test_every_data_file_is_listed():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for package in PACKAGES:
        files = [path.name for path in folder_of(package).iterdir() if path.is_file() and path.suffix != ".py"]
        missing = [name for name in files if not any(fnmatch(name, pattern) for pattern in data.get(package, []))]
        assert missing == []
    assert (ROOT / "fastdgm" / "py.typed").is_file()
    assert "py.typed" in data["fastdgm"]


def test_no_top_level_kernels_is_importable():
    code = "import importlib.util; print(importlib.util.find_spec('kernels'))"
    found = subprocess.run([sys.executable, "-I", "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert found.stdout == "None\n"


def test_core_dependencies_are_four():
    names = [re.split(r"[<>=\[]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]]
    assert names == ["numpy", "numba", "safetensors", "defusedxml"]
    extras = {"cli", "torch", "cuda", "frames", "plot", "bench", "test", "dev"}
    assert extras <= set(PROJECT["project"]["optional-dependencies"])


def test_one_command_installs_all_that_a_contributor_needs():
    extras = PROJECT["project"]["optional-dependencies"]
    assert "fastdgm[test]" in extras["dev"]
    needed = {requirement for extra in ("cli", "frames", "plot", "train", "torch") for requirement in extras[extra]}
    assert needed <= set(extras["test"])
    assert '".[dev]"' in (ROOT / ".github" / "CONTRIBUTING.md").read_text()


def test_hooks_call_the_pinned_tools_of_the_dev_extra():
    """So that versions stand in one place: hooks have neither an environment nor a version of their own."""
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (.*)", hooks) == ["local"]
    assert set(re.findall(r"language: (.*)", hooks)) == {"system"}
    assert not re.search(r"rev:|additional_dependencies:", hooks)
    tools = set(re.findall(r"entry: (\w+)", hooks)) - {"python"}
    pinned = [requirement.split("==") for requirement in PROJECT["project"]["optional-dependencies"]["dev"]]
    assert tools == {own[0] for own in pinned if len(own) == 2}


def test_metadata_agree():
    citation, project = (ROOT / "CITATION.cff").read_text(), PROJECT["project"]
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [fastdgm.__version__]
    assert project["description"] in citation and project["authors"][0]["name"] in citation
    assert not re.search(r"https?:|doi:", citation) and "urls" not in project
    versions = [own for own in project["classifiers"] if re.search(r":: 3\.\d+$", own)]
    assert versions[0].endswith(project["requires-python"].removeprefix(">="))


def imported_modules(path: Path) -> set[str]:
    """First parts of the names of all modules that a file imports absolutely."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def test_kernels_import_numba_with_its_llvmlite_and_numpy_only():
    for path in (ROOT / "kernels").glob("*.py"):
        assert imported_modules(path) <= {"numba", "llvmlite", "numpy", *sys.stdlib_module_names}, path.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_never_imports_the_folder_by_its_own_name_or_a_test(path):
    assert not imported_modules(path) & {"kernels", "tests", "reference", "bench"}


@pytest.mark.parametrize("name", fastdgm.__all__)
def test_public_names_resolve(name):
    assert getattr(fastdgm, name) is not None
    assert name in dir(fastdgm)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="module 'fastdgm' has no attribute 'MarkovNet'"):
        _ = fastdgm.MarkovNet


def test_type_checkers_see_the_same_names_in_the_same_places():
    tree = ast.parse((ROOT / "fastdgm" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    submodules = dict.fromkeys(fastdgm._SUBMODULES)
    assert {alias.name: node.module for node in imports for alias in node.names} == {**fastdgm._HOME, **submodules}


def test_public_things_are_documented():
    for name in fastdgm.__all__:
        if name != "__version__":
            assert getattr(fastdgm, name).__doc__
