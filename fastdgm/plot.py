"""Figures of data, models and training, ``fd.plot``: the public names of ``show/``."""

from .show.images import completions as completions
from .show.images import image_grid as image_grid
from .show.images import training_curves as training_curves
from .show.latent_images import interpolation as interpolation
from .show.latent_images import latent_grid as latent_grid
