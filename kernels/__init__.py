"""The hot loops: plain functions on arrays, for fastdgm's own classes and for people who bring their own.

Contract of every loop here: inputs first, ``out`` last, it fills ``out`` and checks nothing (a public boundary
has checked); ``_cpu`` loops are single-threaded, release the GIL and work on a range of rows, ``_cuda`` twins
stand beside them and are jitted by the file's ``load_cuda()`` on first GPU use. The scalar formulas that both
share are in the same file, because numba's disk cache only notices changes of the defining file. This package
imports numba and numpy only. Nothing here is imported by ``import fastdgm``.
"""
