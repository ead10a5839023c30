"""The gradient of NADE's log_prob on a GPU, a thread for each hidden unit of a few rows.

Once the slopes g by the logits are known, hidden units do not need each other, and a thread takes its own through the
positions twice, forwards, with ROWS rows in registers:

    s_d = g_d V_d activation'(a_d),   dc = sum_d s_d,   dW_i = x_i (dc - sum_{d <= i} s_d),   dV_d = g_d h_d

Where the sums of slopes that are left should be 0, their rounding is: 1e-7 of dc in float32.

Rows go to parts that depend on their number alone, each with sums of its own, which are added in order: the same
numbers in every run, without atomic additions. A minibatch of 100 rows at 784-500 is 25 parts of 512 units: 0.3 ms on
an H100, limited by the latency of 2 x 784 steps; many rows take 0.1 us each, limited by the rate of instructions.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, uint64

from .activations import RELU, relu, sigmoid

__all__ = ["ROWS", "nade_gradient_cuda", "nade_rows_cuda", "nade_sum_cuda"]

device: Any = cuda.jit(device=True)
ROWS = 4  # that a thread keeps in registers


@device
def _unit(mode, a):
    return relu(a) if mode == RELU else sigmoid(a)


@device
def _slope(mode, h):
    """d h / d a by h itself."""
    one, zero = type(h)(1), type(h)(0)
    if mode == RELU:
        return one if h > zero else zero
    return h * (one - h)


@device
def _load(x, slopes, row, variable):
    """(slope, bit) of a row; beyond the last one nothing."""
    if row < x.shape[0]:
        return slopes[row, variable], x[row, variable] != 0
    return slopes.dtype.type(0), False


@device
def _begin(plan, unit, a, h):
    """Rows before the first position."""
    for r in range(ROWS):
        a[r], h[r] = plan.c[unit], _unit(plan.mode, plan.c[unit])


@device
def _sum_slopes(plan, x, slopes, first, unit, a, h, left):
    """left[r] = dc of row first + r."""
    _begin(plan, unit, a, h)
    for r in range(ROWS):
        left[r] = plan.c.dtype.type(0)
    for d in range(plan.order.shape[0]):
        variable = uint64(plan.order[d])
        w, v = plan.W[variable, unit], plan.V[variable, unit]
        for r in range(ROWS):
            g, bit = _load(x, slopes, first + r, variable)
            left[r] += g * v * _slope(plan.mode, h[r])
            if bit:
                a[r] += w
                h[r] = _unit(plan.mode, a[r])


@device
def _add_gradients(plan, x, slopes, first, again, unit, a, h, left, total):
    """Puts dW and dV of the rows from ``first`` on, whose sums of slopes are ``left``, into ``total``, or adds them."""
    _begin(plan, unit, a, h)
    units = uint64(plan.c.shape[0])
    for_V = uint64(plan.order.shape[0]) * units + unit
    for d in range(plan.order.shape[0]):
        variable = uint64(plan.order[d])
        w, v = plan.W[variable, unit], plan.V[variable, unit]
        dw, dv = type(w)(0), type(w)(0)
        for r in range(ROWS):
            g, bit = _load(x, slopes, first + r, variable)
            dv += g * h[r]
            left[r] -= g * v * _slope(plan.mode, h[r])
            if bit:
                dw += left[r]
                a[r] += w
                h[r] = _unit(plan.mode, a[r])
        for_w, for_v = variable * units + unit, for_V + variable * units
        total[for_w] = total[for_w] + dw if again else dw
        total[for_v] = total[for_v] + dv if again else dv


@device
def _unit_of_part(plan, x, slopes, part, n_parts, unit, total):
    """The gradients by the weights of one unit from the rows of one part."""
    a, h = cuda.local.array(ROWS, plan.c.dtype), cuda.local.array(ROWS, plan.c.dtype)
    left, for_c = cuda.local.array(ROWS, plan.c.dtype), plan.c.dtype.type(0)
    for first in range(part * ROWS, x.shape[0], n_parts * ROWS):
        _sum_slopes(plan, x, slopes, first, unit, a, h, left)
        for r in range(ROWS):
            for_c += left[r]
        _add_gradients(plan, x, slopes, first, first >= n_parts * ROWS, unit, a, h, left, total)
    total[uint64(2 * plan.V.size) + unit] = for_c


@device
def _bias_of_part(x, slopes, part, n_parts, variable):
    """The gradient by one b from the rows of one part."""
    total = slopes.dtype.type(0)
    for first in range(part * ROWS, x.shape[0], n_parts * ROWS):
        for row in range(first, min(first + ROWS, x.shape[0])):
            total += slopes[row, variable]
    return total


@device
def _no_gradient(plan, unit, total):
    """Of a unit that is padding."""
    units, zero = uint64(plan.c.shape[0]), plan.c.dtype.type(0)
    for row in range(2 * plan.order.shape[0] + 1):
        total[uint64(row) * units + unit] = zero


@cuda.jit
def nade_rows_cuda(x, order, first, out):
    """out (n, n_vars) = the rows of x whose numbers are n of ``order`` from ``first`` on."""
    n_vars = out.shape[1]
    for i in range(cuda.grid(1), out.shape[0] * n_vars, cuda.gridsize(1)):
        row, variable = i // n_vars, i % n_vars
        out[row, variable] = x[order[first + row], variable]


@cuda.jit
def nade_gradient_cuda(plan, hidden, x, slopes, parts):
    """Each row of ``parts`` (n_parts, 2 n_vars S + S + n_vars) = the gradients by W, V, c and b of its rows of x (n,
    n_vars), at least one for each part; ``slopes`` (n, n_vars) are those by the logits. The plan's mode is SIGMOID or
    RELU; units from ``hidden`` on are padding."""
    units, n_parts = plan.c.shape[0], parts.shape[0]
    jobs = units + plan.order.shape[0]
    for i in range(cuda.grid(1), n_parts * jobs, cuda.gridsize(1)):
        part, job = i // jobs, i % jobs
        if hidden <= job < units:
            _no_gradient(plan, uint64(job), parts[part])
        elif job < units:
            _unit_of_part(plan, x, slopes, part, n_parts, uint64(job), parts[part])
        else:
            variable = job - units
            at = 2 * plan.V.size + units + variable
            parts[part, at] = _bias_of_part(x, slopes, part, n_parts, variable)


@cuda.jit
def nade_sum_cuda(parts, total):
    """As ``nade_sum_cpu`` for all entries."""
    for i in range(cuda.grid(1), total.shape[0], cuda.gridsize(1)):
        own = parts[0, i]
        for part in range(1, parts.shape[0]):
            own += parts[part, i]
        total[i] = own
