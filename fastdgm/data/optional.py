"""Optional packages, imported when a call needs them."""

from __future__ import annotations

from typing import Any


def import_pyarrow(purpose: str) -> Any:
    """The pyarrow module, or an ImportError that says what to install."""
    try:
        import pyarrow
    except ImportError:
        raise ImportError(f'{purpose} needs pyarrow: pip install "fastdgm[frames]"') from None
    return pyarrow
