"""The hot loops: plain functions on arrays, for fastdgm's own classes and for people who bring their own.

Contract of every loop here: inputs first, ``out`` last, it fills ``out`` and checks nothing (a public boundary
has checked); ``_cpu`` loops are single-threaded, release the GIL and work on a range of rows. ``<family>.py`` holds
a family's formulas and CPU loops, ``<family>_cuda.py`` their CUDA twins, which call the same formulas, have the same
arguments without the range (a few have no CPU loop: tests/test_grammar.py lists them), and are imported on first GPU
use. Compiled loops are kept on disk, under a hash of all files that they are made of (sources.py). This package
imports numba and numpy only. Nothing here is imported by ``import fastdgm``.
"""
