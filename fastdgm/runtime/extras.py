"""How to install an optional package: the one place that says it, because it changes once fastdgm is published."""

from __future__ import annotations


def how_to_install(extra: str, package: str) -> str:
    """For errors: what to type where a package of an extra of pyproject.toml is missing.

    Examples
    --------
    >>> print(how_to_install("frames", "pyarrow"))
    pip install pyarrow, or pip install ".[frames]" in a checkout of fastdgm
    """
    return f'pip install {package}, or pip install ".[{extra}]" in a checkout of fastdgm'
