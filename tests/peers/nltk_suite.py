"""nltk's unit tests of its language models, with ours in their place."""

from __future__ import annotations

import sys
from importlib import import_module

from suite import Suite

MODULES = {"counter": "counter", "vocabulary": "vocabulary", "preprocessing": "preprocessing"}


def begin() -> None:
    """Our names in ``nltk.lm``, and our modules for its own."""
    import nltk.lm

    import fastdgm.interop.nltk as ours

    for name in nltk.lm.__all__:
        setattr(nltk.lm, name, getattr(ours, name))
    for theirs, own in MODULES.items():
        module = import_module(f"fastdgm.interop.nltk.{own}")
        setattr(nltk.lm, theirs, module)
        sys.modules[f"nltk.lm.{theirs}"] = module


SUITE = Suite(
    requirement="nltk==3.10.4",
    files=(
        "nltk/test/unit/lm/test_models.py",
        "nltk/test/unit/lm/test_counter.py",
        "nltk/test/unit/lm/test_vocabulary.py",
        "nltk/test/unit/lm/test_preprocessing.py",
        "nltk/test/lm.doctest",
    ),
    begin=begin,
    options=("--noconftest", "--import-mode=importlib", "--doctest-glob=*.doctest"),  # its conftest is about plots
    skipped={"lm.doctest": "reads the corpora brown and reuters, which nltk downloads"},
)
