"""Generated groups that several benches share."""

import numpy as np


def centres(rng: np.random.Generator, k: int, d: int, apart: float) -> np.ndarray:
    """Draw k centres, each 1 to 1.5 times `apart` from its nearest earlier one."""
    side = apart * max(1.6, 1.25 * k ** (1 / d))
    while True:
        found = [rng.uniform(0, side, d)]
        for _ in range(400):
            centre = rng.uniform(0, side, d)
            if apart <= np.linalg.norm(np.array(found) - centre, axis=1).min() <= 1.5 * apart:
                found.append(centre)
                if len(found) == k:
                    return np.array(found)
