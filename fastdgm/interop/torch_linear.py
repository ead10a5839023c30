"""The weights that a masked linear layer in torch really uses, wherever it keeps its mask."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
TRIED_ROWS = 4
TOLERANCE = 1e-9  # in float64


def masked_linear(module: Any) -> tuple[Array, Array] | None:
    """Effective weights (units, sources) and biases (units,) of a linear layer, in float64; None where it is none.

    An nn.Linear, a module around one that keeps a mask, or a module with a matrix, perhaps a vector, and a mask of its
    own. Masks are tensors of zeros and ones of the weights' shape or its transpose, under any name; of all ways to
    apply one of them it is that which gives what the layer's own forward gives.

    Raises TypeError for a ``mask`` of another shape; ValueError for numbers that are not finite.
    """
    from torch import nn

    children = list(module.children())
    plain = isinstance(module, nn.Linear)
    around = len(children) == 1 and isinstance(children[0], nn.Linear)
    if not plain and not around and children:
        return None
    part = children[0] if around and not plain else module
    found = _weights(part)
    if found is None:
        return None
    weights, biases = found
    masks = [mask for owner in {id(module): module, id(part): part}.values() for mask in _masks(owner, weights.shape)]
    if not plain and not masks:
        return None
    if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
        raise ValueError(f"{type(module).__name__}: weights and biases must be finite")
    ways = [weights * mask for mask in masks] + [weights]
    if not isinstance(part, nn.Linear):
        ways += [way.T for way in ways]
    ways = [way for way in ways if len(way) == len(biases) or not len(biases)]
    used = _used(module, ways, biases) if masks else weights
    if used is None and not plain:
        return None  # it does something else
    effective = ways[0] if used is None else used
    return effective, biases if len(biases) else np.zeros(len(effective))


def to_float64(tensor: Any) -> Array:
    """A tensor's numbers on the host."""
    import torch

    return torch.as_tensor(tensor).detach().cpu().double().numpy()


def float64_twin(module: Any) -> Any:
    """A copy on the CPU, in float64 and eval mode, also of modules with pruned weights, which deepcopy refuses."""
    import torch

    computed = [
        tensor
        for part in module.modules()
        for tensor in vars(part).values()
        if isinstance(tensor, torch.Tensor) and not tensor.is_leaf
    ]
    memo = {id(tensor): tensor.detach().clone() for tensor in computed}  # torch computes them anew at every call
    return copy.deepcopy(module, memo).cpu().double().eval()


def _weights(part: Any) -> tuple[Array, Array] | None:
    """The one matrix of a layer as it is, and its one vector, empty where there is none."""
    from torch import nn

    if isinstance(part, nn.Linear):
        return to_float64(part.weight), np.empty(0) if part.bias is None else to_float64(part.bias)
    own = [parameter for parameter in part.parameters(recurse=False) if parameter.requires_grad]
    matrices, vectors = ([p for p in own if p.ndim == n] for n in (2, 1))
    if len(matrices) != 1 or len(vectors) > 1 or len(own) != len(matrices) + len(vectors):
        return None
    return to_float64(matrices[0]), to_float64(vectors[0]) if vectors else np.empty(0)


def _masks(owner: Any, shape: tuple[int, ...]) -> Iterator[Array]:
    """What may be a mask, in both directions where it is square; one that is called so comes first."""
    import torch

    tensors = {name: tensor for name, tensor in vars(owner).items() if isinstance(tensor, (torch.Tensor, np.ndarray))}
    tensors |= dict(owner.named_buffers(recurse=False))
    tensors |= {name: p for name, p in owner.named_parameters(recurse=False) if not p.requires_grad}
    for name in sorted(tensors, key=lambda name: name != "mask"):
        mask = to_float64(tensors[name])
        directions = [one for one in (mask, mask.T) if one.shape == shape]
        if name == "mask" and not directions:
            raise TypeError(
                f"{type(owner).__name__}: the mask must have the shape of the weights {shape}, got {mask.shape}"
            )
        if name == "mask" or np.isin(mask, (0, 1)).all():
            yield from directions


def _used(module: Any, ways: list[Array], biases: Array) -> Array | None:
    """The weights with which a linear layer gives what the module gives for random rows."""
    import torch

    for way in ways:
        x = np.random.default_rng(0).standard_normal((TRIED_ROWS, way.shape[1]))
        try:
            with torch.no_grad():
                given = to_float64(float64_twin(module)(torch.from_numpy(x)))
        except Exception:  # of the user's own forward: whatever it is, this is not its input
            continue
        expected = x @ way.T + (biases if len(biases) else 0)
        if given.shape == expected.shape and np.allclose(given, expected, rtol=TOLERANCE, atol=TOLERANCE):
            return way
    return None
