"""``accelerate(flow)``: the flow itself, but for the inverse of its masked affine layers."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

from .reading import read

T = TypeVar("T")
LIBRARIES = {"zuko": ".zuko_layers", "nflows": ".nflows_layers"}


def accelerate(flow: T) -> T:
    """The same flow with the same parameters, whose masked affine autoregressive layers are inverted in one pass.

    A masked autoregressive layer y = x slope(x before) + shift(x before) gives y in one pass of its network; its
    library finds x of y by a pass for each of the D variables. Here it takes one (Germain et al. 2015, Papamakarios et
    al. 2017; a hidden unit is computed once all that it reads is known), and so do gradients: by the implicit function
    theorem, exactly. For the same noise, and with the same ``torch.manual_seed``, samples are the library's up to
    rounding. All else stays torch's own: other layers (permutations, batch normalisation, LU, couplings, splines), the
    base, and the densities.

    Parameters
    ----------
    flow : any torch module with layers of zuko (MaskedAutoregressiveTransform of MonotonicAffineTransform, slope 1e-3)
        or nflows (MaskedAffineAutoregressiveTransform): their flows, your own modules, density estimators of sbi; also
        a posterior of sbi that has such an estimator.

    Returns
    -------
    A copy of the module, of the same class and with the same calls, whose parameters and buffers *are* the flow's:
    train either, and both know. Weights are read again where they have changed. What our loops do not take (a GPU,
    ``torch.func``, rows that are not finite) runs the library's own code.

    Raises
    ------
    TypeError : no torch module, no such layer (the message says which there are, and why), or parameters that are not
        float32 or float64. ValueError : parameters that are not on the CPU, or masks of a layer that are triangular in
        no order. ImportError : torch is not installed. Later: RuntimeError for the inverse of a layer with batch
        normalisation or dropout in training mode; ValueError for a context of another width.

    Warns
    -----
    UserWarning : a masked affine layer that cannot be read (an activation that is not ours) keeps its own inverse.

    Examples
    --------
    >>> import torch, zuko  # doctest: +SKIP
    >>> from fastdgm.interop.flows import accelerate
    >>> flow = zuko.flows.MAF(64, context=2, transforms=3)  # doctest: +SKIP
    >>> fast = accelerate(flow)  # doctest: +SKIP
    >>> fast(torch.zeros(2)).sample((1000,)).shape  # doctest: +SKIP
    torch.Size([1000, 64])
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError("accelerate needs torch: pip install torch") from error
    estimator = getattr(flow, "posterior_estimator", None)
    if not isinstance(flow, torch.nn.Module) and isinstance(estimator, torch.nn.Module):
        return _with_estimator(flow, accelerate(estimator))
    if not isinstance(flow, torch.nn.Module):
        raise TypeError(
            "accelerate takes a torch module, or a posterior of sbi that draws from its estimator (DirectPosterior), "
            f"got {type(flow).__name__}"
        )
    _check_parameters(flow)
    module = _sharing(flow)
    reasons = dict[str, str]()
    fast = sum(_make_fast(library, name, layer, reasons) for library, name, layer in _layers(module))
    if not fast:
        raise TypeError(_nothing(module, reasons))
    for name, reason in reasons.items():
        warnings.warn(f"layer {name} keeps the library's own inverse: {reason}", UserWarning, stacklevel=2)
    return module


def _with_estimator(posterior: Any, estimator: Any) -> Any:
    """A copy; not by ``copy.copy``, after which two posteriors of sbi have one ``__dict__``."""
    result = object.__new__(type(posterior))
    vars(result).update(vars(posterior))
    result.posterior_estimator = estimator
    return result


def _check_parameters(flow: Any) -> None:
    import torch

    for name, own in flow.named_parameters():
        if own.device.type != "cpu":
            raise ValueError(f"accelerate takes flows on the CPU, got {name} on {own.device}: flow.cpu()")
        if own.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"accelerate takes flows of float32 or float64, got {name} of {own.dtype}: flow.float()")


def _sharing(module: Any) -> Any:
    """A copy of a module whose tensors are the module's own."""
    import torch

    tensors = [own for part in module.modules() for own in vars(part).values() if isinstance(own, torch.Tensor)]
    shared = [*tensors, *module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(own): own for own in shared})


def _libraries() -> list[ModuleType]:
    """Our layers of those libraries that are imported: a flow is of no other."""
    return [import_module(name, __package__) for library, name in LIBRARIES.items() if library in sys.modules]


def _layers(module: Any) -> Iterator[tuple[Any, str, Any]]:
    """Transforms of the libraries that have no other inside, with their library and name."""
    for library in _libraries():
        for name, part in module.named_modules():
            inner = (own for own in part.modules() if own is not part)
            if isinstance(part, library.BASE) and not any(isinstance(own, library.BASE) for own in inner):
                yield library, name or "0", part


def _make_fast(library: Any, name: str, layer: Any, reasons: dict[str, str]) -> bool:
    """Whether the layer is fast now; ValueError where its masks leak."""
    if type(layer) is library.FAST:
        return True
    if type(layer) is not library.OWN:
        return False
    own = library.describe(layer)
    if own is None:
        return False
    try:
        read(own)
    except TypeError as error:
        reasons[name] = str(error)
        return False
    except ValueError as error:
        raise ValueError(f"layer {name} of the flow: {error}") from error
    layer.__class__ = library.FAST
    return True


def _nothing(module: Any, reasons: dict[str, str]) -> str:
    """Why no layer of a module can be made fast."""
    found = dict.fromkeys(library.kind(layer) for library, _, layer in _layers(module))
    layers = ", ".join(found) or "no layers of zuko or nflows"
    text = (
        "accelerate takes flows with masked affine autoregressive layers (zuko's MaskedAutoregressiveTransform of "
        "MonotonicAffineTransform with slope 1e-3, nflows' MaskedAffineAutoregressiveTransform); "
        f"{type(module).__name__} has {layers}"
    )
    return text + "".join(f"; layer {name}: {reason}" for name, reason in reasons.items())
