"""The loops that fill blocks with random numbers from a word on, by verb and device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import noise

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("uniforms", "cpu"): noise.uniforms_cpu,
    ("normals", "cpu"): noise.normals_cpu,
}
