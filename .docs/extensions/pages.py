"""Pages of the site whose text is elsewhere in the project: included, with links that lead to pages of the site.

A page in `.docs/` that stands for a file, as benchmarks.md for bench/results/README.md, is one line there. The text
keeps working on a code host, because its links are changed here: those to files with a page go to the page, others to
files (a kernel, a test) to a copy that the site carries, and those to folders become plain text.
"""

from __future__ import annotations

import re
from os.path import relpath
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / ".docs"
TEXTS = {
    "benchmarks": ROOT / "bench/results/README.md",
    "reproduction": ROOT / "bench/reproduce/README.md",
    "contributing": ROOT / ".github/CONTRIBUTING.md",
    "changelog": ROOT / "CHANGELOG.md",
}
PAGES = {path: SITE / f"{name}.md" for name, path in TEXTS.items()} | {ROOT / "README.md": SITE / "index.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_the_site(text: str, source: Path, page: Path) -> str:
    """A text of `source` with its links as they have to be in `page`."""

    def changed(found: re.Match[str]) -> str:
        mark, words, link = found.groups()
        target, hash_, anchor = link.partition("#")
        if not target or ":" in target:
            return found[0]
        path = (source.parent / target).resolve()
        if path.is_dir():
            return words
        path = PAGES.get(path, path)
        return f"{mark}[{words}]({relpath(path, page.parent)}{hash_}{anchor})"

    return LINK.sub(changed, text)


def read(app: Any, name: str, content: list[str]) -> None:
    """What Sphinx reads for a page."""
    page = Path(app.env.doc2path(name))
    if page.suffix != ".md":
        return
    source = TEXTS.get(name, page)
    if source != page:
        app.env.note_dependency(str(source))
        content[0] = source.read_text(encoding="utf-8")
    content[0] = on_the_site(content[0], source, page)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
