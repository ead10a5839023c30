"""Optional packages, imported when a call needs them."""

from __future__ import annotations

from typing import Any

from ..runtime.extras import how_to_install


def import_pyarrow(purpose: str) -> Any:
    """The pyarrow module, or an ImportError that says what to install."""
    try:
        import pyarrow
    except ImportError:
        raise ImportError(f"{purpose} needs pyarrow: {how_to_install('frames', 'pyarrow')}") from None
    return pyarrow
