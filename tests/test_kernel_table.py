"""The table of kernels in .docs is what its generator writes, and every name in it leads somewhere."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = ROOT / ".docs" / "kernels.py"
if not GENERATOR.exists():
    pytest.skip(".docs/ is not part of this distribution", allow_module_level=True)
if str(ROOT / "bench") not in sys.path:
    sys.path.insert(0, str(ROOT / "bench"))

spec = importlib.util.spec_from_file_location("kernels_page", GENERATOR)
table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(table)

KERNELS = dict(table.kernels())
LIBRARIES = ("numpy", "torch", "builtins")


@cache
def definitions(module: str) -> dict[str, ast.stmt]:
    """What a file of tests/ defines or imports, by name."""
    path = ROOT / "tests" / f"{module}.py"
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(path.read_text()).body if path.exists() else ():
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {
                name.id: node for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name: node for alias in node.names}
    return found


def names_in(module: str, name: str) -> Iterator[tuple[str, str]]:
    """Names that a definition uses, as (module, name): dotted ones whole, fixtures by their argument."""
    for node in ast.walk(definitions(module)[name]):
        if isinstance(node, ast.Name):
            yield module, node.id
        elif isinstance(node, ast.arg):
            yield module, node.arg
        elif isinstance(node, ast.Attribute):
            yield module, ast.unparse(node)


def origin(module: str, name: str) -> tuple[str, str]:
    """Where a name that a file of tests/ uses comes from."""
    first, _, rest = name.partition(".")
    node = definitions(module).get(first)
    if isinstance(node, ast.Import):
        imported = next(alias.name for alias in node.names if (alias.asname or alias.name) == first)
        return imported, rest
    if isinstance(node, ast.ImportFrom):
        imported = next(alias.name for alias in node.names if (alias.asname or alias.name) == first)
        return node.module or "", imported + ("." + rest if rest else "")
    return (module, name) if node else ("builtins", name)


def reached_by(module: str, name: str) -> set[str]:
    """All that a test uses, directly or through functions of tests/, as ``module.name``."""
    seen, waiting = set(), [(module, name)]
    while waiting:
        own = waiting.pop()
        if own not in seen:
            seen.add(own)
            if own[1] in definitions(own[0]):
                waiting += [origin(*used) for used in names_in(*own)]
    return {f"{module}.{name}" for module, name in seen}


def test_the_page_is_what_the_generator_writes():
    assert table.PAGE.read_text() == table.page(), "run: python .docs/kernels.py"


def test_every_kernel_is_checked_and_nothing_else_is():
    assert set(table.CHECKS) == set(KERNELS)


def test_a_kernel_without_checks_has_no_row(monkeypatch):
    monkeypatch.delitem(table.CHECKS, "cpt.sample_cpu")
    with pytest.raises(SystemExit, match=r"cpt\.sample_cpu has no oracle and test"):
        table.page()


@pytest.mark.parametrize("kernel", KERNELS)
def test_formulas_are_stated(kernel):
    assert len(KERNELS[kernel]) > 20


@pytest.mark.parametrize("kernel", table.CHECKS)
def test_tests_exist_and_use_the_oracle(kernel):
    checks = table.CHECKS[kernel]
    module, test = checks.test.split(".")
    assert test.startswith("test_") and isinstance(definitions(module).get(test), ast.FunctionDef)
    if checks.oracle in table.CHECKS:  # a loop, which the test reaches through a class or a table of loops
        assert checked_loops(kernel)
        return
    used = reached_by(module, test)  # of libraries also methods: np.transpose(x) and x.transpose() are one
    last = checks.oracle.rpartition(".")[2]
    from_library = checks.oracle.startswith(LIBRARIES)
    assert checks.oracle in used or (from_library and any(name.rpartition(".")[2] == last for name in used))


@pytest.mark.parametrize("twin", [kernel for kernel in KERNELS if "_cuda." in kernel])
def test_twins_are_tested_where_device_says(twin):
    module, test = table.CHECKS[twin].test.split(".")
    marks = [definitions(module)[test], definitions(module).get("pytestmark")]
    assert any("pytest.mark.gpu" in ast.unparse(node) for node in marks if node)
    assert table.CHECKS[twin].benchmark.startswith("gpu: ")


def checked_loops(kernel: str) -> list[str]:
    """The loops that one is compared with in turn; the last has an oracle of its own."""
    found = [kernel]
    while (oracle := table.CHECKS[found[-1]].oracle) in table.CHECKS:
        assert oracle not in found, f"{kernel} is its own oracle"
        found.append(oracle)
    return found[1:]


def rows_of_the_benchmark() -> set[str]:
    import rows
    from startup import ROWS
    from workloads import SUITES

    found = {row.name.rpartition("/")[0] for suite in SUITES.values() for each in suite for row in rows.rows_of(each)}
    return found | set(ROWS)


def cases_of_the_gpu() -> set[str]:
    """The verbs of the tables of loops, where bench/gpu/ spells them."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "bench" / "gpu").glob("*_cases.py")]
    constants = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {f"gpu: {value}" for value in constants if isinstance(value, str)}


def test_benchmarks_exist():
    if not (ROOT / "bench").is_dir():
        pytest.skip("bench/ is not part of this distribution")
    assert {checks.benchmark for checks in table.CHECKS.values()} - {""} <= rows_of_the_benchmark() | cases_of_the_gpu()
