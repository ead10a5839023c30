"""Lower bounds of log p(row) for networks with latent variables, differentiable by the parameters of modules."""
