"""Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019): one update per parameter.

    m <- beta1 m + (1 - beta1) g                v <- beta2 v + (1 - beta2) g^2
    p <- (1 - rate decay) p - rate (m correction1) / (sqrt(v correction2) + epsilon)

g is the gradient of what is *minimised*; correction1 = 1 / (1 - beta1^t) and correction2 = 1 / (1 - beta2^t) at step
t = 1, 2, ... Settings are passed as Python floats and rounded to the parameters' type here, once per call:
1 - beta2 of a float32 beta2 would be off by 1e-5. The result of a parameter does not depend on its place in the
array, so ranges may be split over threads at will.
"""

from __future__ import annotations

import math

from .jit import formula, kernel


@formula
def adam_scalars(like, rate, beta1, beta2, epsilon, decay, correction1, correction2):
    """The constants of ``adam_update`` in the type of the array ``like``: what does not depend on the parameter."""
    kind = like.dtype.type
    return (
        (kind(beta1), kind(1.0 - beta1)),
        (kind(beta2), kind(1.0 - beta2)),
        (kind(1.0 - rate * decay), kind(rate * correction1), kind(correction2), kind(epsilon)),
    )


@formula
def adam_update(parameter, gradient, first, second, scalars):
    """The new (parameter, first moment, second moment); ``scalars`` come from ``adam_scalars``."""
    (keep_first, add_first), (keep_second, add_second), (shrink, rate, correction, epsilon) = scalars
    first = keep_first * first + add_first * gradient
    second = keep_second * second + add_second * (gradient * gradient)
    return shrink * parameter - rate * first / (math.sqrt(second * correction) + epsilon), first, second


@kernel
def adam_cpu(
    begin,
    end,
    parameter,
    gradient,
    first,
    second,
    rate,
    beta1,
    beta2,
    epsilon,
    decay,
    correction1,
    correction2,
):
    """Update entries [begin, end) of the flat arrays ``parameter``, ``first``, ``second`` in place.

    All four arrays are float32 or all are float64; the seven settings are Python floats (``Step.scalars``).
    """
    scalars = adam_scalars(parameter, rate, beta1, beta2, epsilon, decay, correction1, correction2)
    p, g, m, v = parameter[begin:end], gradient[begin:end], first[begin:end], second[begin:end]
    for i in range(p.shape[0]):
        p[i], m[i], v[i] = adam_update(p[i], g[i], m[i], v[i], scalars)


# --- CUDA twin: a plain function until load_cuda() jits it; grid-stride ---


def adam_cuda(gradient, rate, beta1, beta2, epsilon, decay, correction1, correction2, parameter, first, second):
    """As ``adam_cpu`` for all entries; equal to it but for fused multiply-adds, about 1e-6 in float32."""
    scalars = device_adam_scalars(parameter, rate, beta1, beta2, epsilon, decay, correction1, correction2)
    for i in range(cuda.grid(1), parameter.shape[0], cuda.gridsize(1)):
        p, m, v = device_adam_update(parameter[i], gradient[i], first[i], second[i], scalars)
        parameter[i], first[i], second[i] = p, m, v


def load_cuda():
    """Jit the twin; returns it by name. Imports numba.cuda, hence only on first GPU use."""
    global cuda, device_adam_scalars, device_adam_update
    from numba import cuda

    device = cuda.jit(device=True)
    device_adam_scalars, device_adam_update = device(adam_scalars), device(adam_update)
    return {adam_cuda.__name__: cuda.jit(adam_cuda)}
