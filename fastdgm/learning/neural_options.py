"""What the training of a network's modules is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import Any

from ..runtime.seeds import at_least_one, whole_number
from .options import TrainingOptions, finite_number


@dataclass(frozen=True)
class ModuleOptions(TrainingOptions):
    """The arguments of ``BayesNet.fit`` that are about modules; ``checked`` says whether they are right."""

    schedule: Any = "cosine"
    epochs: int = 100
    batch_size: int = 100
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    patience: int | None = 10
    seed: Any = None
    checkpoint: str | os.PathLike[str] | None = None
    progress: bool | None = None
    max_gradient_norm: float | None = None
    n_particles: int = 1
    warm_up: int = 0

    def checked(self, has_valid: bool) -> ModuleOptions:
        """The options, or a ValueError or TypeError that names the first that is wrong."""
        norm, warm_up = self.max_gradient_norm, whole_number(self.warm_up, "warm_up")
        if warm_up < 0:
            raise ValueError(f"warm_up must be a number of epochs from 0 on, got {warm_up}")
        own = replace(
            self,
            max_gradient_norm=None if norm is None else finite_number(norm, "max_gradient_norm"),
            n_particles=at_least_one(self.n_particles, "n_particles"),
            warm_up=warm_up,
        )
        checked = super(ModuleOptions, own).checked(has_valid)
        assert isinstance(checked, ModuleOptions)
        return checked

    def refuse_of_modules(self) -> None:
        """TypeError that names the first one that only torch modules have, and is not the default."""
        given = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        for name in ("max_gradient_norm", "n_particles", "warm_up"):
            if name in given:
                raise TypeError(f"{name}= is about the training of modules, and this network has no Neural node")

    def refuse_any(self, valid: Any) -> None:
        """TypeError that names the first one that is not the default, where there are no modules to train."""
        given = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        shared = ("seed", "progress", "checkpoint")  # with EM
        others = [name for name in given if name not in shared] + ["valid"] * (valid is not None)
        if others:
            raise TypeError(f"{others[0]}= is about the training of modules, and this network has no Neural node")
