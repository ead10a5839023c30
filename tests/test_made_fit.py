"""Learning masked networks: the steps that the kernels take are those of torch's AdamW."""

from __future__ import annotations

import numpy as np
import pytest

from fastdgm.autoregressive.made import MADE

torch = pytest.importorskip("torch", reason="torch is not installed")

N_EPOCHS, RATE, DECAY = 3, 0.01, 0.1


@pytest.mark.parametrize("hidden", [(7,), (40, 30)])
def test_fit_takes_the_steps_of_torch(hidden):
    rows = np.random.default_rng(0).integers(0, 2, (200, 6)).astype(np.uint8)
    model, other = MADE(6, hidden, seed=1), MADE(6, hidden, seed=1)
    schedule = {"schedule": "constant", "learning_rate": RATE, "weight_decay": DECAY}
    model.fit(rows, epochs=N_EPOCHS, batch_size=len(rows), progress=False, **schedule)
    module, x = other.to_torch(), torch.from_numpy(rows)
    groups = [{"params": [module.weights]}, {"params": [module.biases], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=DECAY)
    for _ in range(N_EPOCHS):
        optimizer.zero_grad()
        (-module(x).mean()).backward()
        optimizer.step()
    fitted = model.to_torch()
    for own, expected in ((fitted.weights, module.weights), (fitted.biases, module.biases)):
        np.testing.assert_allclose(own.detach(), expected.detach(), rtol=0, atol=1e-5)
