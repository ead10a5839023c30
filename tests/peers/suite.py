"""What is run of another library's tests, unmodified, with fastdgm behind the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Suite(NamedTuple):
    """Test files of a source distribution on PyPI, or of an installed package, and what is left out of them."""

    requirement: str  # "pgmpy==1.1.2": whose source distribution has the files
    files: tuple[str, ...]  # in it
    begin: Callable[[], object]  # puts our code in place, before the files are imported
    options: tuple[str, ...] = ()  # of pytest
    skipped: Mapping[str, str] = {}  # the end of a test's name, and the reason
    package: str = ""  # the installed package that has the files, where its wheel brings them along
