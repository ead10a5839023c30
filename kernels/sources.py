"""Which files a module is made of: itself and, transitively, what it imports of its own folder.

numba stamps a cached function with its defining file alone, so code cached before a change in another file would be
served stale, silently; and a stamp over all files would compile everything anew after any change.
"""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

__all__ = ["files_of", "source_hash"]

# Lines with an import, up to its closing bracket: to parse these takes a twentieth of the time of the whole file.
IMPORT = re.compile(r"^(?:.*\\\n)*.*\bimport\b[^\n(]*(?:\([^)]*\))?.*", re.MULTILINE)


def source_hash(path: Path) -> str:
    """Names and contents of all files that the module ``path`` is made of, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files_of(path):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def files_of(path: Path) -> list[Path]:
    """The module ``path`` and the files of its folder that it imports, at any depth; sorted."""
    found, left = set(), [path]
    while left:
        file = left.pop()
        if file not in found:
            found.add(file)
            left += (path.with_name(f"{name}.py") for name in _imported_names(file))
    return sorted(found)


@cache
def _imported_names(path: Path) -> frozenset[str]:
    """Files of the folder that a file may import: every part of an imported name that is one; too many are safe."""
    there = {file.stem for file in path.parent.glob("*.py")}
    return frozenset(_names(_import_statements(path.read_text("utf-8"))) & there)


def _import_statements(source: str) -> list[ast.stmt]:
    pieces = [piece.strip() for piece in IMPORT.findall(source)]
    try:
        trees = [ast.parse(piece) for piece in pieces]
    except SyntaxError:  # prose, or half of a statement
        trees = [ast.parse(source)]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def _names(statements: list[ast.stmt]) -> set[str]:
    names = set()
    for statement in statements:
        dotted = [alias.name for alias in statement.names]
        if isinstance(statement, ast.ImportFrom):
            dotted.append(statement.module or "__init__")
        names.update(part for name in dotted for part in name.split("."))
    return names
