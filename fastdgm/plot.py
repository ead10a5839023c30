"""Figures of data, models and training, ``fd.plot``: the public names of ``show/images.py``."""

from .show.images import completions as completions
from .show.images import image_grid as image_grid
from .show.images import training_curves as training_curves
