"""The README keeps its word: the tour's code runs and prints what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, *(ROOT / ".docs").glob("*.md"), *(ROOT / ".github").glob("*.md"), ROOT / "bench/results/README.md"]


def test_the_tour_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the tour writes files
    parser = doctest.DocTestParser()
    tour = parser.get_doctest(README.read_text(), {}, "README tour", str(README), 0)
    assert len(tour.examples) >= 10
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(tour)
    assert results.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_files_that_pages_name_exist():
    """In the tables and walks of the pages for contributors, names of files are paths from fastdgm/ or the root."""
    for page in (ROOT / ".docs/architecture.md", ROOT / ".github/CONTRIBUTING.md"):
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", page.read_text()):
            assert (ROOT / name).exists() or (ROOT / "fastdgm" / name).exists(), name
