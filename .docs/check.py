"""Checks a built site: every link inside of it leads somewhere, nothing comes from other hosts, notebooks were run.

    python .docs/check.py build/docs [--not-run]

Links to other hosts are not followed. ``--not-run``: the site was built with nb_execution_mode=off.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}  # by a browser, unasked
LINKED = {"a": "href", **LOADED}


class Page(HTMLParser):
    """Anchors of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each element."""
        own = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := own.get(key))}
        if link := own.get(LINKED.get(tag, "")):
            self.links.append(link)
            if tag in LOADED:
                self.loaded.append(link)


def problems(site: Path, *, not_run: bool = False) -> Iterator[str]:
    """Everything that is wrong, a line each; ``not_run``: notebooks need no outputs."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"no pages in {site}"
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        yield from (f"{name}: {each}" for each in dict.fromkeys(broken_links(path, page, pages)))
        if name.parent.name == "tutorials":
            yield from (f"{name}: {each}" for each in notebook_problems(path, page, not_run))


def broken_links(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    """Links without a target, and files of other hosts."""
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            if link in page.loaded:
                yield f"loads {link} from another host"
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            yield f"leads to {link}, which is no file"
        elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"leads to {link}, whose page has no such anchor"


def notebook_problems(path: Path, page: Page, not_run: bool) -> Iterator[str]:
    """Of the notebook that a tutorial offers: it is there, and all of its cells have been run."""
    notebooks = [path.parent / link for link in page.links if link.endswith(".ipynb") and "_downloads" in link]
    if not notebooks:
        yield "has no link to its notebook: {nb-download}`NAME.ipynb`"
    for notebook in () if not_run else filter(Path.is_file, notebooks):
        cells = [
            cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
        ]
        if not cells or any(cell["execution_count"] is None for cell in cells if "".join(cell["source"]).strip()):
            yield f"{notebook.name} has cells that were not run"
        elif not any(cell["outputs"] for cell in cells):
            yield f"{notebook.name} has no outputs"


def main(arguments: list[str]) -> int:
    """Print what is wrong, and how much was looked at."""
    site = Path(arguments[0])
    found = list(problems(site, not_run="--not-run" in arguments))
    print("\n".join([*found, f"{site}: {len(list(site.rglob('*.html')))} pages, {len(found)} problems"]))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
