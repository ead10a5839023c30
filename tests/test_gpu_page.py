"""The page about GPUs keeps its word: its blocks run, and so do, or do not, the calls of its tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("pandas", reason="pandas is not installed")
pytestmark = pytest.mark.gpu

PAGE = Path(__file__).resolve().parents[1] / ".docs/gpu.md"
TEXT = PAGE.read_text(encoding="utf-8")


def calls(section: str, nth: int) -> list[str]:
    """The code in the first column of the nth table of a section."""
    _, body = TEXT.split(f"\n## {section}\n")
    table = re.findall(r"(?:^\|.*\n)+", body.split("\n## ")[0], re.MULTILINE)[nth]
    return re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)


@pytest.fixture(scope="module")
def names():
    found: dict[str, object] = {}
    for block in re.finditer(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        line = TEXT.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(PAGE), "exec"), found)
    return found


def test_the_blocks_run(names):
    assert {"scores", "few", "evidence", "images"} <= set(names)


@pytest.mark.parametrize("call", calls("What works there", 0))
def test_what_works(names, call):
    eval(call, names)


@pytest.mark.parametrize("call", calls("What works there", 1))
def test_what_is_refused(names, call):
    with pytest.raises(TypeError, match="cpu"):
        eval(call, names)


def test_blocks_for_a_card_are_python():
    for block in re.findall(r"^```py\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        compile(block, str(PAGE), "exec")
