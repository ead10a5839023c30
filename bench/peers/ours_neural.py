"""fastdgm's networks with torch modules in them, through their public methods."""

from __future__ import annotations

from typing import ClassVar

from .ours import Ours
from .torch_base import torch


class OurNeural(Ours):
    """As many threads for torch as for the loops."""

    needs = ("torch",)

    def prepare(self) -> None:
        super().prepare()
        torch.set_num_threads(self.threads)


class OurAutoencoder(OurNeural):
    """Codes, logits and pixels of every row."""

    operations: ClassVar = {"sample": Ours.operations["sample"]}


class OurAutoencoderEpoch(OurNeural):
    """An epoch by the ELBO in minibatches of 100, checks of the data and copies of the modules included."""

    note = "batches of 100"
    settings: ClassVar = {"batch_size": 100, "schedule": "constant", "patience": None, "progress": False}
    operations: ClassVar = {"fit": lambda self: self.epoch()}

    def open(self) -> None:
        self.guide = self.source.guide()

    def epoch(self) -> None:
        self.model.fit({"x": self.rows}, guide=self.guide, epochs=1, **self.settings)


class OurMixed(OurNeural):
    """Tables, Gaussians and a perceptron."""

    operations: ClassVar = {"log_prob": Ours.operations["log_prob"]}


class OurGradients(OurNeural):
    """The network as a torch module: log_prob of a batch, and the gradients of its mean by all parameters."""

    native = "float32 tensor (n, n_vars)"
    operations: ClassVar = {"log_prob and backward": lambda self: self.descend()}

    def open(self) -> None:
        self.module = self.model.to_torch()
        self.x = torch.from_numpy(self.rows)

    def descend(self) -> None:
        self.module.zero_grad()
        self.module(self.x).mean().neg().backward()


class OurContext(OurNeural):
    """Labels, and images given them."""

    operations: ClassVar = {"sample": Ours.operations["sample"]}


class OurMadeAlone(OurNeural):
    """A MADE of the same size without context."""

    library, label = "made-alone", "fastdgm, MADE without context"
    operations: ClassVar = {"sample": lambda self: self.source.sample(self.n_rows, seed=2)}
