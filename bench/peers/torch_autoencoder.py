"""A variational autoencoder in plain torch."""

from __future__ import annotations

from copy import deepcopy
from typing import ClassVar

import numpy as np

from .torch_base import TorchPeer, torch
from .torch_training import Adam


class BareDecoder(TorchPeer):
    """Nothing but the decoder's logits of codes that were drawn before: no sampler can be faster."""

    library, label = "decoder", "floor: torch, the decoder alone"
    on_one_thread_too = True

    def open(self) -> None:
        self.decoder = self.source.decoder.eval()
        n_codes = next(self.decoder.parameters()).shape[1]
        self.z = torch.randn(self.n_rows, n_codes, generator=torch.Generator().manual_seed(0))

    def decode(self) -> torch.Tensor:
        """(n, n_pixels) logits."""
        with torch.inference_mode():
            return self.decoder(self.z)

    operations: ClassVar = {"sample": decode}


class PlainSampler(BareDecoder):
    """Codes, logits and pixels, drawn by torch's generator."""

    library, label = "torch", "torch, codes and pixels drawn too"

    def sample(self) -> torch.Tensor:
        """(n, n_pixels) of 0 and 1."""
        with torch.inference_mode():
            return torch.bernoulli(torch.sigmoid_(self.decoder(torch.randn_like(self.z)))).to(torch.uint8)

    operations: ClassVar = {"sample": sample}


class AutoencoderAdam(Adam):
    """One epoch of the ELBO with the divergence in closed form, from the model's weights on."""

    on_one_thread_too = True

    def open(self) -> None:
        self.decoder, self.encoder = deepcopy(self.source.decoder), deepcopy(self.source.encoder)
        self.x = torch.from_numpy(self.rows.astype(np.float32))
        parameters = [*self.decoder.parameters(), *self.encoder.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=self.fused)

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of the rows' negative ELBO, nats."""
        mean, log_std = self.encoder(x).chunk(2, 1)
        z = mean + torch.exp(log_std) * torch.randn_like(mean)
        divergence = 0.5 * (mean * mean + torch.exp(2 * log_std) - 1) - log_std
        terms = torch.nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return terms + divergence.sum()


class AutoencoderFusedAdam(AutoencoderAdam):
    """With torch's fused step."""

    library, label = "torch-adam-fused", "torch, Adam (fused)"
    fused = True
