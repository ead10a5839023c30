"""What the peers share whose work is done by BLAS or OpenMP underneath: it is kept to their number of threads."""

from __future__ import annotations

from .base import Peer


class BlasPeer(Peer):
    """On as many threads as the others."""

    needs = ("threadpoolctl",)

    def prepare(self) -> None:
        from threadpoolctl import threadpool_limits

        threadpool_limits(self.threads)
