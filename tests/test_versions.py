"""One version, and what a report of an error shows: facts that are looked up without importing or starting anything."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from processes import ROOT, run_python

import fastdgm as fd
from fastdgm import versions
from fastdgm.cli.program import main


def shown(**options: bool) -> dict[str, str]:
    """Labels and facts; lines that go on are one."""
    first, *lines = re.sub(r"\n {3,}", " ", versions.described_versions(**options)).splitlines()
    assert first == f"fastdgm {fd.__version__}"
    return {line[2:17].rstrip(): line[18:] for line in lines}


# --- one place ------------------------------------------------------------------------------------------------------


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "fastdgm.__version__"}}
    sources = (ROOT / "fastdgm").rglob("*.py")
    told = [
        path.name for path in sources if re.search(r"^__version__ =", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert told == ["__init__.py"]


def test_setuptools_reads_it_without_importing():
    config = pytest.importorskip("setuptools.config.pyprojecttoml")
    before = dict(sys.modules)
    try:
        read = config.read_configuration(ROOT / "pyproject.toml")
    finally:
        assert not {"numba"} & (set(sys.modules) - set(before))
    assert read["project"]["version"] == fd.__version__


def test_the_changelog_begins_with_it():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert fd.__version__ in headings[:3]


# --- facts ----------------------------------------------------------------------------------------------------------


def test_facts(capsys):
    assert fd.show_versions() is None
    assert capsys.readouterr().out == versions.described_versions() + "\n"
    facts = shown()
    assert facts["Python"].startswith(sys.version.split()[0])
    assert facts["numpy"] == sys.modules["numpy"].__version__
    assert facts["installed in"] == str(Path(fd.__file__).parent)
    assert facts["threads"].startswith(f"{fd.get_num_threads()}, of ")
    assert re.fullmatch(r"\S+ \(\S+\) with .+", facts["compiled for"])
    assert re.search(r"[\d.]+ MiB in \d+ files$|^none", facts["compile cache"])
    assert all(len(line) <= 100 or " " not in line.strip() for line in versions.described_versions().splitlines())


def test_the_command_line_shows_them_behind_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == versions.described_versions() + "\n"


def test_settings_are_those_that_count(monkeypatch):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET", "token")
    assert "FASTDGM_NUM_THREADS=3" in shown()["settings"]
    assert "token" not in versions.described_versions()
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "many")
    assert shown()["threads"] == "FASTDGM_NUM_THREADS must be a positive integer, got 'many'"


def test_missing_packages_are_named_where_they_are_needed(monkeypatch):
    def missing(package):
        raise versions.PackageNotFoundError(package)

    monkeypatch.setattr(versions, "version", missing)
    facts = shown()
    assert [facts[name] for name in versions.NEEDED] == ["NOT INSTALLED"] * len(versions.NEEDED)
    assert not set(versions.OPTIONAL) & set(facts)


def test_without_a_card_it_says_what_is_missing(monkeypatch):
    def nothing(device):
        raise fd.CudaUnavailableError("no driver")

    monkeypatch.setattr("fastdgm.runtime.cuda_card.check_card", nothing)
    assert shown(cuda=True)["CUDA"] == "no driver"
    assert shown()["CUDA"].startswith("numba-cuda is")


@pytest.mark.slow
def test_in_a_process_of_its_own_nothing_optional_is_imported_and_cuda_not_started():
    code = """
    import sys
    import fastdgm as fd
    fd.show_versions()
    unwanted = {"torch", "pandas", "polars", "pyarrow", "dask", "numba.cuda.cudadrv.driver", "cupy"}
    print(sorted(unwanted & set(sys.modules)))
    """
    assert run_python(code).splitlines()[-1] == "[]"


@pytest.mark.slow
def test_a_broken_numba_is_a_fact_not_an_error():
    code = """
    import sys
    sys.modules["numba"] = None  # its import is an ImportError, as where it does not fit NumPy
    import fastdgm as fd
    fd.show_versions()
    """
    assert "compiled for    nothing: numba cannot be imported: ModuleNotFoundError" in run_python(code)
