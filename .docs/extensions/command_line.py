"""The page of the command line: what `fastdgm COMMAND --help` prints, command by command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import Any

HEAD = """# Command line

`python -m fastdgm` is the same as `fastdgm`. An argument with a dot or a slash is a file, any
other the name of an example.
"""


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def text() -> str:
    """Of the page."""
    from fastdgm.cli.arguments import parser

    os.environ["COLUMNS"] = "96"  # argparse asks for it
    whole = parser()
    parts = [("fastdgm", whole), *((f"fastdgm {name}", each) for name, each in commands(whole))]
    return "\n\n".join([HEAD, *(f"## {name}\n\n```text\n{each.format_help()}```" for name, each in parts)])


def read(app: Any, name: str, content: list[str]) -> None:
    """In the place of what the file says."""
    if name == "reference/command_line":
        content[0] = text()


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
