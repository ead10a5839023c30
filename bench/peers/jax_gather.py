"""Ten lines of JAX: look-ups unrolled over the variables, jitted, float32, one CPU thread."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np

from .base import Family, Peer, families

ROWS_PER_CALL = 100_000  # sampling a million rows in one call is slower per cell, and compiles again


class JaxGather(Peer):
    """Hand-written JAX, compiled outside the clock."""

    library, label = "jax", "JAX gather (float32)"
    native = "uint8 codes by column, JAX array"
    needs = ("jax",)
    note = f"float32; compiled outside the clock; samples in calls of {ROWS_PER_CALL} rows"
    max_variables = 100

    def open(self) -> None:
        jax = import_jax_on_one_thread()
        self.families = families(self.model)
        self.block = jax.device_put(self.rows.block)
        self.key = jax.random.key(1)
        self.jitted_log_prob = jax.jit(self._log_prob)
        self.jitted_sample = jax.jit(self._sample)

    def sample(self) -> list[Any]:
        blocks = [self.jitted_sample(self.key) for _ in range(0, self.n_rows, ROWS_PER_CALL)]
        return [block.block_until_ready() for block in blocks]

    def log_prob(self) -> Any:
        return self.jitted_log_prob(self.block).block_until_ready()

    def _log_prob(self, block: Any) -> Any:
        import jax.numpy as jnp

        total = jnp.zeros(block.shape[1], jnp.float32)
        for family in self.families:
            with np.errstate(divide="ignore"):
                log_table = jnp.asarray(np.log(family.table).ravel(), jnp.float32)
            index = configuration(family, block) * family.table.shape[1] + block[family.column]
            total += log_table.at[index].get(mode="promise_in_bounds")
        return total

    def _sample(self, key: Any) -> Any:
        import jax
        import jax.numpy as jnp

        n_rows = min(self.n_rows, ROWS_PER_CALL)
        columns: dict[int, Any] = {}
        for family, own_key in zip(self.families, jax.random.split(key, len(self.families)), strict=True):
            uniform = jax.random.uniform(own_key, (n_rows,))
            thresholds = jnp.asarray(np.cumsum(family.table, axis=1).T[:-1], jnp.float32)
            index = configuration(family, columns)
            code = jnp.zeros(n_rows, jnp.uint8)
            for threshold in thresholds:
                code += uniform >= threshold.at[index].get(mode="promise_in_bounds")
            columns[family.column] = code
        return jnp.stack([columns[column] for column in range(len(columns))])

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}


def configuration(family: Family, columns: Any) -> Any:
    """Row of the family's table, int32; 0 for a variable without parents."""
    import jax.numpy as jnp

    terms = zip(family.parents, family.strides, strict=True)
    return sum((stride * columns[parent].astype(jnp.int32) for parent, stride in terms), jnp.int32(0))


def import_jax_on_one_thread() -> Any:
    """JAX sizes its thread pool when it first meets the CPU: let it see a single one."""
    import jax

    if not hasattr(os, "sched_setaffinity"):
        return jax
    all_cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(all_cpus)})
    try:
        jax.devices()
    finally:
        os.sched_setaffinity(0, all_cpus)
    return jax
