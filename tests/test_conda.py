"""The conda recipe asks for what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib

from processes import ROOT

import fastdgm

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = (ROOT / ".conda" / "meta.yaml").read_text(encoding="utf-8")
NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "graphviz": "python-graphviz",
}  # conda-forge's


def section(name: str) -> set[str]:
    """The items of the list under a key."""
    found = re.search(rf"^ *{name}:\n((?: +- .*\n)+)", RECIPE, re.MULTILINE)
    return {item.strip() for item in re.findall(r"- (.*)", found[1])}


def as_conda(requirement: str) -> str:
    name, bound = re.fullmatch(r"([\w-]+)(?:\[.*\])?(>=.*)", requirement).groups()
    return f"{NAMES.get(name, name)} {bound}"


def test_name_version_and_texts():
    variables = dict(re.findall(r'{% set (\w+) = "(.*)" %}', RECIPE))
    assert variables == {"name": PROJECT["name"], "version": fastdgm.__version__}
    assert f'summary: "{PROJECT["description"]}"' in RECIPE
    assert f"license: {PROJECT['license']}\n" in RECIPE
    assert section("license_file") == set(PROJECT["license-files"])
    assert section("entry_points") == {f"{name} = {target}" for name, target in PROJECT["scripts"].items()}


def test_requirements():
    python = f"python {PROJECT['requires-python']}"
    assert section("run") == {python, *map(as_conda, PROJECT["dependencies"])}
    assert section("host") == {python, "pip", "setuptools >=77"}
    extras = PROJECT["optional-dependencies"]
    optional = {own for extra in ("torch", "frames", "plot", "train", "cli") for own in extras[extra]}
    assert section("run_constrained") == set(map(as_conda, optional))
