"""What EM is asked for, in one object, and the checks of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import Any

from ..runtime.seeds import at_least_one, key_from_seed
from .options import finite_number
from .progress import check_progress


@dataclass(frozen=True)
class EMOptions:
    """The arguments of ``fit`` that are about EM; ``checked`` says whether they are right."""

    n_restarts: int = 1
    max_iterations: int = 100
    tolerance: float = 1e-3
    seed: Any = None
    progress: bool | None = None
    resume: bool = False
    checkpoint: str | os.PathLike[str] | None = None

    def checked(self) -> EMOptions:
        """The options, or a ValueError or TypeError that names the first that is wrong."""
        check_progress(self.progress)
        if not isinstance(self.resume, bool):
            raise TypeError(f"resume must be True or False, got {self.resume!r}")
        if self.resume and self.checkpoint is not None:
            raise ValueError(
                "resume=True goes on from the network's parameters, checkpoint= from those of its file: give one"
            )
        return replace(
            self,
            n_restarts=at_least_one(self.n_restarts, "n_restarts"),
            max_iterations=at_least_one(self.max_iterations, "max_iterations"),
            tolerance=finite_number(self.tolerance, "tolerance", zero=True),
            seed=None if self.seed is None else key_from_seed(self.seed),
        )

    def refuse_any(self) -> None:
        """TypeError that names the first one that is not the default, where nothing is learnt by EM."""
        for field in fields(self):
            if field.name not in ("seed", "progress", "checkpoint") and getattr(self, field.name) != field.default:
                raise TypeError(f"{field.name}= is about EM, which learns no network that has Neural nodes or a guide")
