"""nbn: batches of rows in which the same variables are observed, float32 in torch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np
from evidence_rows import ONE_HIDDEN, one_hidden

import fastdgm as fd

from .torch_base import TorchPeer, torch


class NbnBatch(TorchPeer):
    """The posterior of the hidden variable by variable elimination."""

    library, label = "nbn", "nbn query_batch (float32)"
    native = "int64 tensor per variable"
    note = "all rows observe the same variables"
    needs = ("torch", "nbn", "pgmpy")
    on_one_thread_too = True
    operations: ClassVar = {f"predict_proba, {ONE_HIDDEN}": lambda self: self.posterior()}

    def open(self) -> None:
        from nbn import NeuralBayesianNetwork
        from nbn.inference.tensor_ve import TensorVariableElimination

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "network.bif")
            fd.write(self.model, file)
            self.network = NeuralBayesianNetwork.from_bif(str(file), device="cpu")
        self.engine, self.hidden = TensorVariableElimination(), one_hidden(self.model)
        columns = zip(self.model.names, np.asarray(self.rows).T, strict=True)
        self.evidence = {name: torch.from_numpy(own.astype(np.int64)) for name, own in columns if name != self.hidden}

    def posterior(self) -> torch.Tensor:
        """(n, k)."""
        return self.network.query_batch([self.hidden], self.evidence, engine=self.engine)
