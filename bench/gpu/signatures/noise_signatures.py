"""Of the twins of noise."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import uint64

from fastdgm.engines.torch.noise_cuda import LOOPS

from .signature import Signature, array


def noise_signatures() -> Iterator[Signature]:
    """All verbs."""
    for verb, element in (("uniforms", "float64"), ("normals", "float32"), ("normals", "float64")):
        yield Signature("noise", verb, element, LOOPS[verb, "cuda"], [uint64, uint64, uint64, array(element, 2)])
