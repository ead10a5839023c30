"""The page of drop-in backends keeps its word: the blocks of its sections run, each where its library is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / ".docs/drop_in.md"
TEXT = PAGE.read_text(encoding="utf-8")
NEEDS = {"torch.distributions": ["torch"], "scikit-learn": ["sklearn", "pandas"], "nltk.lm": []}


def blocks_of(section: str) -> list[str]:
    """The Python of a section, each block on the lines that it has in the page."""
    begin = TEXT.index(f"\n## {section}\n")
    end = TEXT.find("\n## ", begin + 1)
    found = re.finditer(r"^```python\n(.*?)^```", TEXT[:end], re.MULTILINE | re.DOTALL)
    return ["\n" * TEXT.count("\n", 0, own.start(1)) + own[1] for own in found if own.start() > begin]


@pytest.mark.parametrize("section", NEEDS)
def test_the_blocks_run(section):
    for library in NEEDS[section]:
        pytest.importorskip(library)
    blocks = blocks_of(section)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)


def test_all_blocks_are_python():
    for section in re.findall(r"^## (.*)$", TEXT, re.MULTILINE):
        for block in blocks_of(section):
            compile(block, str(PAGE), "exec")
