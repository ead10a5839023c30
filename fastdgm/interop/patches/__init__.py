"""``fd.patch``: another library's classes, with our loops behind them."""

from __future__ import annotations

from .patching import Patch, patch

__all__ = ["Patch", "patch"]
