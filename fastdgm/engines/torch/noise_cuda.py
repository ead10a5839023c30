"""The CUDA twins of these loops, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import noise_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("uniforms", "cuda"): Twin(noise_cuda.uniforms_cuda, threads_per_block=128),
    ("normals", "cuda"): Twin(noise_cuda.normals_cuda, threads_per_block=128),
}
