"""Normalizing flows of other libraries (zuko, nflows, sbi) that are drawn from at the cost of one pass per layer."""

from __future__ import annotations

from .accelerate import accelerate

__all__ = ["accelerate"]
