"""The documentation site's sources, and what builds them; Sphinx is not needed here (`.ci/docs` builds the site)."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import fastdgm as fd

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / ".docs"
if not SITE.exists():
    pytest.skip(".docs/ is not part of this distribution", allow_module_level=True)
PAGES = sorted(SITE.rglob("*.md"))
NOTEBOOKS = [page for page in PAGES if "```{code-cell}" in page.read_text()]
# Packages of interop/ with names of their own; those of kernels are the table of kernels.
PACKAGES = ("dask", "flows", "nltk", "patches", "sklearn")


def module(name):
    """A file of .docs/."""
    spec = importlib.util.spec_from_file_location(f"docs_{Path(name).stem}", SITE / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


docstrings, pages, check, pictures = map(
    module, ("extensions/docstrings", "extensions/pages", "check", "extensions/pictures")
)


def described():
    """How often each name is described on the pages of the reference."""
    texts = [page.read_text() for page in (SITE / "reference").glob("*.md")]
    names = re.findall(r"^\.\. (?:auto\w+|py:data):: (fastdgm[\w.]*)", "\n".join(texts), re.MULTILINE)
    return Counter(names)


def test_every_public_name_is_described_once():
    found = described()
    assert {name: found[f"fastdgm.{name}"] for name in fd.__all__ if found[f"fastdgm.{name}"] != 1} == {}
    assert {name for name in fd.interop.__all__ if found[f"fastdgm.interop.{name}"] != 1} == set()
    for package in PACKAGES:
        pytest.importorskip(package if package in ("dask", "sklearn") else "numpy")
        own = f"fastdgm.interop.{package}"
        # Some are found under a shorter name, some are modules.
        short = {"patch", "from_sklearn", "counter", "vocabulary"}
        names = set(getattr(fd.interop, package).__all__) - short
        assert {name for name in names if found[f"{own}.{name}"] != 1} == set()
    assert [name for name, times in found.items() if times > 1] == []


def test_every_verb_of_networks_is_described():
    public = {name for name in dir(fd.BayesNet) if not name.startswith("_")} - docstrings.FOR_ENGINES
    assert {name for name in public if described()[f"fastdgm.BayesNet.{name}"] != 1} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: str(page.relative_to(SITE)))
def test_notebooks_say_their_kernel_and_can_be_downloaded(page):
    text = page.read_text()
    assert text.startswith("---\n")
    assert "name: python3" in text.split("---")[1]
    if page.parent.name == "tutorials":
        assert f"{{nb-download}}`{page.stem}.ipynb`" in text


def test_links_of_pages_whose_text_is_elsewhere():
    for name, source in pages.TEXTS.items():
        assert (SITE / f"{name}.md").exists()
        assert source.exists()
    source, page = ROOT / "bench/results/README.md", SITE / "benchmarks.md"
    text = "[a](../../.docs/gpu.md#install) ![b](alarm.png) [c](reproduce) [d](#here) [`e`](../../CHANGELOG.md) [f](https://x)"
    assert pages.on_the_site(text, source, page) == (
        "[a](gpu.md#install) ![b](../bench/results/alarm.png) c [d](#here) [`e`](changelog.md) [f](https://x)"
    )


def test_docstrings_become_lists_and_literal_blocks():
    lines = """A formula:

        x = a *b

    Parameters
    ----------
    x, *rest : names that end in net_, or *not*
        at all.

        More of it.

    Raises
    ------
    ValueError : one. KeyError, TypeError (both) : two
        lines.
    """
    found = docstrings.converted(inspect.cleandoc(lines).split("\n"))
    assert [line for line in found if line] == [
        "A formula:",
        ".. code-block:: none",
        "    x = a *b",
        ".. rubric:: Parameters",
        "``x``, ``*rest``",
        "    names that end in net\\_, or *not*",
        "    at all.",
        "    More of it.",
        ".. rubric:: Raises",
        "``ValueError``",
        "    one.",
        "``KeyError``, ``TypeError`` (both)",
        "    two lines.",
    ]


def test_code_behind_two_colons_is_python():
    found = docstrings.converted(["In Spark::", "", "    rows = f(x)", "", "And:", "", "    y = x"])
    assert [line for line in found if line] == [
        "In Spark:",
        ".. code-block:: python",
        "    rows = f(x)",
        "And:",
        ".. code-block:: none",
        "    y = x",
    ]


def test_sections_of_public_docstrings_are_known():
    """A heading that the site does not know would be text with a line below it."""
    for name in fd.__all__:
        value = getattr(fd, name)
        members = vars(value).values() if inspect.isclass(value) else ()
        for text in map(inspect.getdoc, (value, *members)):
            lines = (text or "").split("\n")
            headings = [line for line, below in pairwise(lines) if re.fullmatch("-{3,}", below)]
            assert set(headings) <= set(docstrings.SECTIONS), name


def test_parameters_that_docstrings_list_exist():
    """And those that are there: all that the entries of a list name are arguments, each at the start of its line."""
    for name in fd.__all__:
        value = getattr(fd, name)
        for own in (value, *vars(value).values()) if inspect.isclass(value) else (value,):
            text = inspect.getdoc(own) or ""
            lines = dict(docstrings.sections(text.split("\n"))).get("Parameters")
            if lines and callable(own):
                entries = [docstrings.ENTRY.match(line) for line in lines]
                listed = {each.strip("* ") for entry in entries if entry for each in entry[1].split(",")}
                assert listed <= set(inspect.signature(own).parameters), (name, own)


def test_pictures_of_cells_are_cut_to_their_size():
    cell = fd.markov_chain(["a", "b"]).plot().svg
    cut = pictures.cut(cell)
    assert cell != cut
    width, height = map(int, re.match(r'<svg [^>]* width="(\d+)" height="(\d+)" viewBox="0 0 \1 \2"', cut).groups())
    assert 0 < width < 200 < height + 150
    assert pictures.cut(cut) == cut


def site(folder, link="other.html#there", head="", cell=None):
    """Two pages and a notebook."""
    cell = cell or {"cell_type": "code", "source": ["1"], "execution_count": 1, "outputs": [{}]}
    (folder / "tutorials").mkdir()
    (folder / "_downloads").mkdir()
    (folder / "_downloads/a.ipynb").write_text(json.dumps({"cells": [cell]}))
    (folder / "other.html").write_text('<p id="there"></p><a href="https://elsewhere/x">not looked at</a>')
    text = f'{head}<a href="../{link}">x</a><a href="../_downloads/a.ipynb">notebook</a>'
    (folder / "tutorials/a.html").write_text(text)
    return list(check.problems(folder))


def test_a_good_site_has_no_problems(tmp_path):
    assert site(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"link": "none.html"}, "which is no file"),
        ({"link": "other.html#here"}, "has no such anchor"),
        ({"head": '<script src="https://elsewhere/x.js"></script>'}, "from another host"),
        ({"cell": {"cell_type": "code", "source": ["1"], "execution_count": None, "outputs": []}}, "were not run"),
        ({"cell": {"cell_type": "code", "source": ["1"], "execution_count": 1, "outputs": []}}, "has no outputs"),
    ],
)
def test_what_is_wrong_with_a_site_is_named(tmp_path, options, problem):
    (found,) = site(tmp_path, **options)
    assert problem in found


def test_a_folder_without_pages_is_no_site(tmp_path):
    assert "no pages" in next(check.problems(tmp_path))
