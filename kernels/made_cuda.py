"""CUDA twins of the masked networks: a block of threads has a tile of rows, as made_tiles_cuda.py says.

Sampling walks the variables in blocks, as on the CPU (made_sampling.py): panels bring what becomes known inside a block
up to date with all before it, then one thread for each row draws the block's variables, adds what each contributes
inside of it, and finishes units. Scoring completes layer after layer, then one thread for each row adds up its terms.
``scratch`` is the state, (rows of ``MaskedNet.biases`` + 2 head_size, columns): blocks share nothing, tile after tile
they use their own columns. Rows depend on neither their number nor their tile.

Expected for MADE 784-500 in float32, a row: 0.4 M multiply-adds in panels, 27 ns on an H100 at half of its peak, as
loads allow (A100 45, T4 140); 16 k in blocks with 784 draws, about 10 ns of latency; 64 kB of sources from L2 or
memory, 20 ns at 3 TB/s beside these. Loads are the limit: 230 registers leave room for one block of 8 warps, whose
loads must hide their own latency. A dense pass through torch takes about 30 ns on an H100. None of this is measured.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, uint64

from .affine import affine_noise
from .heads import AFFINE, BERNOULLI, MIXTURE, NORMAL, SOFTPLUS_AFFINE
from .heads_cuda import head_log_prob, head_value, is_undefined
from .made import FIRST, SOURCE, UNITS
from .made_sampling import PHILOX
from .made_tiles_cuda import GROUP, add_panel, finish_unit, tile_rows, unit_sum
from .normal import normal_quantile
from .quantiles_cuda import standard_normal
from .truncation import Rule
from .truncation_cuda import temper_row
from .uniforms_cuda import uniform

__all__ = [
    "begin_rows_cuda",
    "draw_block_cuda",
    "log_prob_cuda",
    "sample_cuda",
]

device: Any = cuda.jit(device=True)


# Inputs -----------------------------------------------------------------------------------------------------------


@device
def _put_value(net, d, value, state, i):
    """The inputs of the variable at position d."""
    first = net.n_context + d * net.n_states
    if net.n_states == 1:
        state[first, i] = value
    else:
        for k in range(net.n_states):
            state[first + k, i] = 1 if value == k else 0


@device
def _put_context(net, context, row, state, i):
    """The inputs that come with every row."""
    for c in range(net.n_context):
        state[c, i] = context[row, c]


# Scoring ----------------------------------------------------------------------------------------------------------


@device
def _complete_layer(net, number, state, first):
    """Sums of all units of a layer, a group at a time: each skips what all of it masks."""
    units = net.layers[number, UNITS]
    for begin in range(0, units, GROUP):
        end = min(begin + GROUP, units)
        add_panel(net, number, begin, end, net.reach[net.layers[number, FIRST] + end - 1], state, first)


@device
def _finish_layer(net, number, state, first):
    """Residuals and activations of a layer whose sums are complete."""
    row, rows = net.layers[number, FIRST], tile_rows()
    for cell in range(cuda.threadIdx.x, net.layers[number, UNITS] * rows, cuda.blockDim.x):
        unit, i = cell // rows, first + cell % rows
        finish_unit(net, number, unit, state[row + unit, i], state, i)


@device
def _load_tile(net, x, context, row, state, first):
    """Inputs of the rows of a tile."""
    rows = tile_rows()
    for cell in range(cuda.threadIdx.x, net.order.shape[0] * rows, cuda.blockDim.x):
        d, t = cell // rows, cell % rows
        if row + t < x.shape[0]:
            _put_value(net, d, x[row + t, net.order[d]], state, first + t)
    for t in range(cuda.threadIdx.x, rows, cuda.blockDim.x):
        if row + t < x.shape[0]:
            _put_context(net, context, row + t, state, first + t)


@device
def _score_row(net, x, scores, row, state, i):
    """Adds up the terms of a row whose heads are complete."""
    output, total = net.layers[net.layers.shape[0] - 1, FIRST], 0.0
    for d in range(net.order.shape[0]):
        at, value = output + d * net.head_size, x[row, net.order[d]]
        term = head_log_prob(net.head, state, at, net.head_size, value, i)
        total += term
        if scores.terms.shape[0] > 0:
            if net.head == AFFINE or net.head == SOFTPLUS_AFFINE:
                scores.terms[row, net.order[d]] = affine_noise(value, state[at, i], term)
            else:
                scores.terms[row, net.order[d]] = term
    scores.log_prob[row] = total


@cuda.jit
def log_prob_cuda(net, x, context, scores):
    """As ``log_prob_cpu``, for all rows."""
    state, rows, output = scores.scratch, tile_rows(), net.layers.shape[0] - 1
    first = cuda.blockIdx.x * rows
    for row in range(cuda.blockIdx.x * rows, x.shape[0], cuda.gridDim.x * rows):
        _load_tile(net, x, context, row, state, first)
        for number in range(1, output + 1):
            cuda.syncthreads()
            _complete_layer(net, number, state, first)
            cuda.syncthreads()
            if number < output:
                _finish_layer(net, number, state, first)
        for t in range(cuda.threadIdx.x, min(rows, x.shape[0] - row), cuda.blockDim.x):
            _score_row(net, x, scores, row + t, state, first + t)
        cuda.syncthreads()


# Noise ------------------------------------------------------------------------------------------------------------


@device
def _uniform(net, request, given, word, row):
    """Uniform ``word`` of a row as a float64: drawn in the precision of the CPU's loops, or what was given instead."""
    if request.source != PHILOX:
        return given.noise[row, word]
    single = net.head == BERNOULLI and net.weights.itemsize == 4
    return uniform(request.key, uint64(request.start) + uint64(row), request.first_word + word, single)


@device
def _normal(net, request, given, d, row):
    """Standard normal number of the variable at position d, drawn or of a uniform that was given."""
    if request.source != PHILOX:
        return normal_quantile(given.noise[row, d])
    word = request.first_word + d
    return standard_normal(request.key, uint64(request.start) + uint64(row), word, net.weights.itemsize == 4)


@device
def _noise(net, request, given, d, row):
    """What the variable at position d draws by, as the head takes it: two words, of which most heads use one."""
    if net.head == MIXTURE:
        second = normal_quantile(_uniform(net, request, given, 2 * d + 1, row))
        return _uniform(net, request, given, 2 * d, row), second
    word = _normal(net, request, given, d, row) if net.head == NORMAL else _uniform(net, request, given, d, row)
    return word, word


# Sampling ---------------------------------------------------------------------------------------------------------


@device
def _block_size(net):
    """Variables drawn between two panels: so many that those of their heads fill the groups of threads."""
    return max(4, GROUP // net.head_size)


@device
def _begin_row(net, request, given, draws, row, i):
    """Context, and the units that depend on no variable."""
    state = draws.scratch
    _put_context(net, given.context, row, state, i)
    for number in range(1, net.layers.shape[0] - 1):
        known = net.known[net.layers[number, SOURCE], 0]
        for unit in range(net.known[number, 0]):
            bias = net.biases[net.layers[number, FIRST] + unit]
            finish_unit(net, number, unit, unit_sum(net, number, unit, 0, known, bias, state, i), state, i)
    draws.undefined[row] = False
    if request.scored:
        draws.log_prob[row] = 0.0
        if request.truncated:
            draws.sampling_log_prob[row] = 0.0


@device
def _begin_block(net, begin, end, state, first):
    """Everything that variables before ``begin`` contribute to units and heads of a block."""
    output = net.layers.shape[0] - 1
    for number in range(1, output + 1):
        known = net.known[net.layers[number, SOURCE], begin]
        if number == output:
            add_panel(net, number, begin * net.head_size, end * net.head_size, known, state, first)
        else:
            add_panel(net, number, net.known[number, begin], net.known[number, end], known, state, first)


@device
def _finish_head(net, begin, d, state, i):
    """The parameters of the variable at position d, of a block from ``begin`` on; returns the row of the first."""
    output = net.layers.shape[0] - 1
    source, at = net.layers[output, SOURCE], net.layers[output, FIRST] + d * net.head_size
    for j in range(net.head_size):
        unit = d * net.head_size + j
        total = state[at + j, i]
        total = unit_sum(net, output, unit, net.known[source, begin], net.known[source, d], total, state, i)
        state[at + j, i] = total
    return at


@device
def _finish_hidden(net, begin, d, state, i):
    """Hidden units that are final once the variable at position d is known."""
    for number in range(1, net.layers.shape[0] - 1):
        row, source = net.layers[number, FIRST], net.layers[number, SOURCE]
        for unit in range(net.known[number, d], net.known[number, d + 1]):
            total = state[row + unit, i]
            total = unit_sum(net, number, unit, net.known[source, begin], net.known[source, d + 1], total, state, i)
            finish_unit(net, number, unit, total, state, i)


@device
def _score_value(net, draws, at, own, value, row, i):
    """Add log-probabilities of a value: the model's, and of what drew it where that is another."""
    state, size = draws.scratch, net.head_size
    draws.log_prob[row] += head_log_prob(net.head, state, at, size, value, i)
    if own != at:
        draws.sampling_log_prob[row] += head_log_prob(net.head, state, own, size, value, i)


@device
def _draw_value(net, request, given, draws, d, at, row, i):
    """The value of the variable at position d, and where the parameters begin that drew it."""
    state, size, own = draws.scratch, net.head_size, at
    if request.truncated:
        own = net.biases.shape[0]
        temper_row(net.head, state, at, size, Rule(request.temperature, request.top_k, request.top_p), own, i)
    value = head_value(net.head, state, own, size, _noise(net, request, given, d, row), i)
    if is_undefined(net.head, state, own, size, value, i):
        draws.undefined[row] = True
    return value, own


@device
def _draw_block(net, request, given, draws, begin, end, row, i):
    """Variables begin .. end of a row, whose sums hold everything from before the block."""
    state = draws.scratch
    for d in range(begin, end):
        at = _finish_head(net, begin, d, state, i)
        if d < request.prefix_length:
            value, own = type(state[at, i])(given.prefix[row // request.n_per_row, d]), at
        else:
            value, own = _draw_value(net, request, given, draws, d, at, row, i)
        if request.scored:
            _score_value(net, draws, at, own, value, row, i)
        draws.values[row, net.order[d]] = value
        _put_value(net, d, value, state, i)
        _finish_hidden(net, begin, d, state, i)


@cuda.jit
def sample_cuda(net, request, given, draws):
    """As ``sample_cpu``, for all rows."""
    state, n, rows, size = draws.scratch, draws.values.shape[0], tile_rows(), _block_size(net)
    first, n_vars = cuda.blockIdx.x * rows, net.order.shape[0]
    for row in range(cuda.blockIdx.x * rows, n, cuda.gridDim.x * rows):
        for t in range(cuda.threadIdx.x, min(rows, n - row), cuda.blockDim.x):
            _begin_row(net, request, given, draws, row + t, first + t)
        for begin in range(0, n_vars, size):
            end = min(begin + size, n_vars)
            cuda.syncthreads()
            _begin_block(net, begin, end, state, first)
            cuda.syncthreads()
            for t in range(cuda.threadIdx.x, min(rows, n - row), cuda.blockDim.x):
                _draw_block(net, request, given, draws, begin, end, row + t, first + t)
        cuda.syncthreads()


# Sampling whose panels are products of a library ------------------------------------------------------------------


@cuda.jit
def begin_rows_cuda(net, request, given, draws, first):
    """Rows ``first``, ... begin, one for each column of the state."""
    state = draws.scratch
    for i in range(cuda.grid(1), min(state.shape[1], draws.values.shape[0] - first), cuda.gridsize(1)):
        _begin_row(net, request, given, draws, first + i, i)


@cuda.jit
def draw_block_cuda(net, request, given, draws, begin, end, first):
    """Variables begin .. end of these rows, whose sums hold everything from before the block."""
    state = draws.scratch
    for i in range(cuda.grid(1), min(state.shape[1], draws.values.shape[0] - first), cuda.gridsize(1)):
        _draw_block(net, request, given, draws, begin, end, first + i, i)
