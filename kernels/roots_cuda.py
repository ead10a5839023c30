"""CUDA twins of roots.py, with one thread to a row: the same numbers of the same words, the same formulas."""

from __future__ import annotations

from numba import cuda, uint64

from .quantiles_cuda import drawer, standard_exponential, standard_laplace
from .roots import EXPONENTIAL, UNIFORM, root_term, root_value, standard_uniform

__all__ = ["log_prob_cuda", "log_prob_per_variable_cuda", "sample_cuda"]

device = cuda.jit(device=True)
uniform = drawer(standard_uniform, standard_uniform)


@device
def _standard(kind, key, row, word, single):
    """A standard number of a kind, as a float64."""
    if kind == UNIFORM:
        return uniform(key, row, word, single)
    if kind == EXPONENTIAL:
        return standard_exponential(key, row, word, single)
    return standard_laplace(key, row, word, single)


@device
def _term(plan, m, reals, i):
    return root_term(
        reals[plan.row[m], i], plan.shift[m], plan.bottom[m], plan.top[m], plan.rate[m], plan.log_density[m]
    )


@cuda.jit
def sample_cuda(key, start, plan, reals):
    """Draw all rows of the members' rows of ``reals`` (n_reals, n); column i is row ``start + i``."""
    single = reals.itemsize == 4
    for i in range(cuda.grid(1), reals.shape[1], cuda.gridsize(1)):
        for m in range(plan.row.shape[0]):
            row, word = uint64(start) + uint64(i), plan.first_word + uint64(m)
            shift = plan.shift[m]
            z = type(shift)(_standard(plan.kind[m], key, row, word, single))
            reals[plan.row[m], i] = root_value(z, shift, plan.scale[m], plan.bottom[m], plan.top[m])


@cuda.jit
def log_prob_cuda(plan, reals, out):
    """out[i] = sum over members of log p(x), for all rows of ``reals`` (n_reals, n)."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        total = 0.0
        for m in range(plan.row.shape[0]):
            total += _term(plan, m, reals, i)
        out[i] = total


@cuda.jit
def log_prob_per_variable_cuda(plan, columns, reals, out):
    """out[columns[m], i] = log p(x) of every member m, for all rows of ``reals`` (n_reals, n)."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for m in range(plan.row.shape[0]):
            out[columns[m], i] = _term(plan, m, reals, i)
