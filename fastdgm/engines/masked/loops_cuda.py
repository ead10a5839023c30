"""The CUDA twins of the loops over masked networks, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import made_cuda, made_training_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob", "cuda"): Twin(made_cuda.log_prob_cuda, threads_per_block=256),
    ("sample", "cuda"): Twin(made_cuda.sample_cuda, threads_per_block=256),
    ("begin rows", "cuda"): Twin(made_cuda.begin_rows_cuda, threads_per_block=128),
    ("draw block", "cuda"): Twin(made_cuda.draw_block_cuda, threads_per_block=128),
    ("load minibatch", "cuda"): Twin(made_training_cuda.load_minibatch_cuda, threads_per_block=256),
    ("forward layer", "cuda"): Twin(made_training_cuda.forward_layer_cuda, threads_per_block=256),
    ("head slopes", "cuda"): Twin(made_training_cuda.head_slopes_cuda, threads_per_block=128),
    ("activation slopes", "cuda"): Twin(made_training_cuda.activation_slopes_cuda, threads_per_block=256),
    ("backward layer", "cuda"): Twin(made_training_cuda.backward_layer_cuda, threads_per_block=256),
    ("update weights", "cuda"): Twin(made_training_cuda.update_weights_cuda, threads_per_block=128),
    ("update biases", "cuda"): Twin(made_training_cuda.update_biases_cuda, threads_per_block=128),
    ("copy", "cuda"): Twin(made_training_cuda.copy_cuda, threads_per_block=256),
}
