"""What a user is told of a fit that had to fall back: which variable, in which joint states of its parents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete
from .base import Target

MOST = 5  # in one warning


def where(target: Target, found: npt.NDArray[np.bool_]) -> str:
    """ " in 2 of 6 joint states of its discrete parents, the first being z='a', y='1'"; "" where there is one state."""
    if len(found) == 1:
        return ""
    parents = {name: own for name, own in target.parents.items() if isinstance(own, Discrete)}
    codes = np.unravel_index(int(np.argmax(found)), [own.n_states for own in parents.values()])
    first = ", ".join(f"{name}={own.states[code]!r}" for (name, own), code in zip(parents.items(), codes, strict=True))
    return f" in {int(found.sum())} of {len(found)} joint states of its discrete parents, the first being {first:.200}"


def warning_text(notes: Sequence[str]) -> str:
    """One warning of all notes, of bounded length."""
    more = f"; and {len(notes) - MOST} more such notes" if len(notes) > MOST else ""
    return "; ".join(notes[:MOST]) + more
