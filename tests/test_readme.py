"""The README keeps its word: the tour's code runs and prints what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_tour_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the tour writes files
    parser = doctest.DocTestParser()
    tour = parser.get_doctest(README.read_text(), {}, "README tour", str(README), 0)
    assert len(tour.examples) >= 10
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(tour)
    assert results.failed == 0
