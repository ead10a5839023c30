"""Boolean arrays whose bytes can be read as numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def with_plain_bytes(array: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A copy whose bytes are 0 and 1.

    NumPy reads any byte but 0 as True, and masks made elsewhere hold such bytes; a view or a cast would keep them.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([0, 1, 200], np.uint8).view(bool)
    >>> with_plain_bytes(mask).view(np.uint8).tolist()
    [0, 1, 1]
    """
    return array.view(np.uint8) != 0
