"""Generated groups of many shapes, for the choice of k with mixtures: each has the groups of its label and no other structure.

The eight kinds are in `KINDS`; `draw` returns one data set. Sizes, shapes and distances are drawn too.
"""

from collections.abc import Callable

import numpy as np


def draw(kind: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return z-scores (n, d) and the group (n,) from 1, of one of `KINDS`."""
    rng = np.random.default_rng([77, kind, seed])
    parts = KINDS[kind](rng)
    X = np.vstack(parts)
    return (X - X.mean(axis=0)) / X.std(axis=0), np.repeat(
        np.arange(1, len(parts) + 1), [len(part) for part in parts]
    )


def places(rng, k: int, d: int, apart: float) -> np.ndarray:
    """Draw k centres, each 1 to 1.6 times `apart` from its nearest earlier one."""
    side = apart * max(1.5, 1.2 * k ** (1 / d))
    while True:
        found = [rng.uniform(0, side, d)]
        for _ in range(500):
            centre = rng.uniform(0, side, d)
            if apart <= np.linalg.norm(np.array(found) - centre, axis=1).min() <= 1.6 * apart:
                found.append(centre)
                if len(found) == k:
                    return np.array(found)


def sizes(rng, n: int, k: int, even: float = 5) -> np.ndarray:
    shares = np.maximum(rng.dirichlet(np.full(k, even)), 0.06)
    return np.maximum((n * shares / shares.sum()).astype(int), 10)


def cigar(rng, n: int, centre, sd: float, aspect: float, d: int) -> np.ndarray:
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    deviations = np.ones(d) * sd
    deviations[0] *= aspect
    return centre + rng.normal(size=(n, d)) * deviations @ turn.T


def overlapping(rng) -> list[np.ndarray]:
    k, d = int(rng.integers(2, 7)), int(rng.integers(2, 4))
    n = int(rng.choice([120, 250, 400, 800, 1500]))
    C = places(rng, k, d, rng.uniform(2.8, 4.2))
    return [cigar(rng, m, c, rng.uniform(0.7, 1.2), 1, d) for m, c in zip(sizes(rng, n, k), C, strict=True)]


def stretched(rng) -> list[np.ndarray]:
    k, d = int(rng.integers(2, 6)), int(rng.integers(2, 4))
    n = int(rng.choice([150, 300, 600, 1200]))
    C = places(rng, k, d, rng.uniform(4.5, 7))
    return [
        cigar(rng, m, c, rng.uniform(0.5, 1), rng.uniform(2, 6), d)
        for m, c in zip(sizes(rng, n, k), C, strict=True)
    ]


def many_features(rng) -> list[np.ndarray]:
    k, d = int(rng.integers(2, 6)), int(rng.integers(4, 11))
    n = int(rng.choice([150, 200, 350, 600]))
    C = rng.normal(size=(k, d)) * rng.uniform(1.4, 2.2)
    return [
        cigar(rng, m, c, rng.uniform(0.7, 1.2), rng.uniform(1, 2.5), d)
        for m, c in zip(sizes(rng, n, k), C, strict=True)
    ]


def flat(rng, n: int) -> np.ndarray:
    """Draw a square, a disc or a diamond."""
    kind, square = rng.integers(3), rng.uniform(-1, 1, (n, 2))
    if kind == 1:
        radius, angle = np.sqrt(rng.uniform(size=n)), rng.uniform(0, 2 * np.pi, n)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return square if kind == 0 else square @ np.array([[1, 1], [-1, 1]]) / 2


def touching(rng) -> list[np.ndarray]:
    k, n = int(rng.integers(2, 6)), int(rng.choice([300, 600, 1000]))
    C = places(rng, k, 2, rng.uniform(2.1, 2.8))
    return [
        c + flat(rng, m) * np.array([1, rng.uniform(0.3, 1)])[rng.permutation(2)]
        for m, c in zip(sizes(rng, n, k), C, strict=True)
    ]


def unlike_density(rng) -> list[np.ndarray]:
    n, k = int(rng.choice([200, 400, 1000])), int(rng.integers(2, 5))
    C = places(rng, k, 2, rng.uniform(2.5, 4))
    sds = np.exp(rng.uniform(-1.6, 0.4, k))
    sds[:2] = 1.2, 0.25
    return [
        cigar(rng, m, c, sd, rng.uniform(1, 1.6), 2)
        for m, c, sd in zip(sizes(rng, n, k, 8), C, sds, strict=True)
    ]


def skewed(rng) -> list[np.ndarray]:
    k, d, n = int(rng.integers(2, 5)), 2, int(rng.choice([300, 600, 1200]))
    C = places(rng, k, d, rng.uniform(5, 7))
    gamma = rng.integers(2)
    return [
        c + (rng.gamma(2, 0.7, (m, d)) * rng.choice([-1, 1], d) if gamma else rng.standard_t(5, (m, d)) * 0.8)
        for m, c in zip(sizes(rng, n, k), C, strict=True)
    ]


def curves(rng) -> list[np.ndarray]:
    """Draw a ball in a ring, rings side by side, or lines."""
    n, kind = int(rng.choice([400, 800])), rng.integers(3)
    if kind == 0:
        angle = rng.uniform(0, 2 * np.pi, n // 2)
        ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 3 + rng.normal(size=(n // 2, 2)) * 0.2
        return [ring, rng.normal(size=(n // 2, 2)) * 0.6]
    k, parts = int(rng.integers(2, 5)), []
    for centre in places(rng, k, 2, 2.8 if kind == 1 else 2.5):
        if kind == 1:
            angle = rng.uniform(0, 2 * np.pi, n // k)
            line = np.column_stack([np.cos(angle), np.sin(angle)])
        else:
            turn, along = rng.uniform(0, np.pi), rng.uniform(-1.1, 1.1, n // k)
            line = along[:, None] * [np.cos(turn), np.sin(turn)]
        parts.append(centre + line + rng.normal(size=(n // k, 2)) * (0.08 if kind == 1 else 0.06))
    return parts


def many_groups(rng) -> list[np.ndarray]:
    k, n, d = int(rng.integers(7, 13)), int(rng.choice([700, 1500])), int(rng.integers(2, 4))
    C = places(rng, k, d, rng.uniform(3, 5))
    return [
        cigar(rng, m, c, rng.uniform(0.7, 1.1), rng.uniform(1, 1.8), d)
        for m, c in zip(sizes(rng, n, k, 15), C, strict=True)
    ]


KINDS: list[Callable] = [
    overlapping, stretched, many_features, touching, unlike_density, skewed, curves, many_groups,
]  # fmt: skip
