"""The loops of exact evidence, by verb and device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import junction, junction_states

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("answer", "cpu"): junction.answer_cpu,
    ("most probable", "cpu"): junction_states.most_probable_cpu,
    ("draw", "cpu"): junction_states.draw_cpu,
}
