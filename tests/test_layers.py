"""Who may import whom: read from the source, imports inside functions and for type checkers included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

# From the ground up: a module imports from its own level and those below. Longest name first where names nest.
LEVELS = (
    ("kernels",),
    ("runtime", "errors"),
    ("data", "graph", "show"),
    ("conditionals",),
    ("engines",),
    ("learning", "inference"),
    (
        "network",
        "structure_questions",
        "queries",
        "beliefs",
        "joint_posteriors",
        "imputation",
        "information",
        "latent_codes",
        "sampler",
        "bayesnet",
        "autoregressive",
        "deep",
    ),
    ("structures", "io", "interop", "examples", "versions"),
    ("plot", "cli"),
)
MAY_IMPORT_KERNELS = ("kernels", "engines", "data")

# The verbs of public classes that lead to what is built on them, inside the function: nothing else may look up.
UPWARDS = {
    ("bayesnet", "interop"): "to_pgmpy, to_pyagrum, to_sklearn, to_torch",
    ("autoregressive", "interop"): "to_torch",
}


class Import(NamedTuple):
    importer: str  # module names without the leading "fastdgm."
    imported: str
    inside: bool  # a function

    @property
    def rooms(self) -> tuple[str, str]:
        return room(self.importer), room(self.imported)


def room(module: str) -> str:
    return module.split(".")[0]


def level(module: str) -> int:
    return next(number for number, rooms in enumerate(LEVELS) if room(module) in rooms)


def sources() -> dict[str, Path]:
    """Modules by name; the package itself, which shows everything, is left out."""
    files = [*(ROOT / "fastdgm").rglob("*.py"), *(ROOT / "kernels").glob("*.py")]
    found = {}
    for file in files:
        parts = file.relative_to(ROOT).with_suffix("").parts
        parts = parts[1:] if parts[0] == "fastdgm" else parts
        name = ".".join(part for part in parts if part != "__init__")
        if name not in ("", "__main__"):
            found[name] = file
    return found


MODULES = sources()


def imports_of(module: str) -> Iterator[Import]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text())
    inner = {node for outer in ast.walk(tree) if isinstance(outer, ast.FunctionDef) for node in ast.walk(outer)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package.split(".") if package else []
            base = above[: len(above) - node.level + 1]
            for target in _targets([*base, *(node.module or "").split(".")], node.names):
                yield Import(module, target, node in inner)


def _targets(base: list[str], names: list[ast.alias]) -> Iterator[str]:
    name = ".".join(filter(None, base))
    for alias in names:
        submodule = ".".join(filter(None, (name, alias.name)))
        if submodule in MODULES:
            yield submodule
        elif name:
            yield name


ALL = [found for module in MODULES for found in imports_of(module)]


def test_every_module_has_a_level():
    rooms = {name for level in LEVELS for name in level}
    assert {room(module) for module in MODULES} <= rooms


def test_imports_lead_down():
    up = [own for own in ALL if level(own.importer) < level(own.imported)]
    wrong = [own for own in up if not (own.inside and own.rooms in UPWARDS)]
    assert not wrong, "\n".join(f"{own.importer} imports {own.imported}" for own in wrong)


def test_every_exception_is_used():
    used = {own.rooms for own in ALL if level(own.importer) < level(own.imported)}
    assert used == set(UPWARDS)


def test_only_engines_and_data_import_kernels():
    wrong = [own for own in ALL if room(own.imported) == "kernels" and room(own.importer) not in MAY_IMPORT_KERNELS]
    assert not wrong, "\n".join(f"{own.importer} imports {own.imported}" for own in wrong)


def test_no_circles():
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for own in ALL:
        if own.importer != own.imported and not (own.inside and own.rooms in UPWARDS):
            graph[own.importer].add(own.imported)
    TopologicalSorter(graph).prepare()  # CycleError names the circle
