"""Families of data that no rule of seg was chosen on: one cloud each, or k groups. Sizes, features and shapes differ from the other benches.

`ONE_CLOUD` maps a name to a function of a generator that returns a table (n, d). `GROUPS` maps a name to a function of a generator and k
that returns a table and the group of each row.
"""

from collections.abc import Callable

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.datasets import make_classification as classification

from clouds import centres


def copula(rng: np.random.Generator, n: int, d: int, rho: float) -> np.ndarray:
    """Draw normal scores (n, d) whose correlation falls with the distance of two columns, as in an autoregressive process."""
    places = np.arange(d)
    return rng.normal(size=(n, d)) @ np.linalg.cholesky(rho ** np.abs(places[:, None] - places)).T


def skewed(rng: np.random.Generator, n: int, d: int, shape: float) -> np.ndarray:
    """Draw gamma columns (n, d) that share a part, which correlates them."""
    return rng.gamma(shape / 2, size=(n, d)) + rng.gamma(shape / 2, size=(n, 1))


def heteroscedastic(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a line whose noise grows with the distance from its middle."""
    x = rng.normal(size=n)
    return np.column_stack([x, x + (0.2 + np.abs(x)) * rng.normal(size=n)])


def bgnbd(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw repeat orders, week of the last one and mean spend of customers of a BG/NBD process, with the rates of CDNOW in Fader et al. (2005)."""
    rows = []
    for weeks in rng.uniform(27, 39, n):
        rate, leaves = rng.gamma(0.243, 1 / 4.414), rng.beta(0.793, 2.426)
        day, last, repeats = rng.exponential(1 / max(rate, 1e-9)), 0.0, 0
        while day < weeks:
            last, repeats = day, repeats + 1
            if rng.random() < leaves:
                break
            day += rng.exponential(1 / rate)
        rows.append((repeats, last, rng.lognormal(3.3, 0.6)))
    return np.array(rows).round(2)


def disc(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a disc, stretched to an ellipse."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.random(n))
    return np.column_stack([2.5 * radius * np.cos(angle), radius * np.sin(angle)])


def funnel(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw columns whose spread depends on the first one."""
    first = rng.normal(size=n)
    return np.column_stack([first, np.exp(first / 3)[:, None] * rng.normal(size=(n, 2))])


ONE_CLOUD: dict[str, Callable] = {
    "beta 2, 5 in 4 features": lambda rng: rng.beta(2, 5, (300, 4)) + 0.3 * rng.beta(2, 5, (300, 1)),
    "t2, correlated": lambda rng: copula(rng, 300, 3, 0.5) / np.sqrt(rng.chisquare(2, 300) / 2)[:, None],
    "gamma 0.7, correlated": lambda rng: skewed(rng, 300, 3, 0.7),
    "heteroscedastic": lambda rng: heteroscedastic(rng, 300),
    "Weibull in 5 features": lambda rng: rng.weibull(1.5, (400, 5)),
    "BG/NBD": lambda rng: bgnbd(rng, 500),
    "negative binomial, ties": lambda rng: rng.poisson(rng.gamma(1.2, 2.5, (300, 1)) * rng.gamma(4, 0.25, (300, 4))).astype(float),
    "ellipse": lambda rng: disc(rng, 250),
    "autoregressive in 8 features": lambda rng: copula(rng, 400, 8, 0.7),
    "Laplace, 150 customers": lambda rng: rng.laplace(size=(150, 3)) @ np.array([[1, 0.4, 0], [0, 1, 0.4], [0, 0, 1]]),
    "funnel": lambda rng: funnel(rng, 300),
    "one ball in 10 features": lambda rng: rng.normal(size=(300, 10)),
    "uniform and noise": lambda rng: rng.uniform(-1.5, 1.5, (300, 2)) + 0.5 * rng.normal(size=(300, 2)),
}  # fmt: skip


def balls(rng, n: int, k: int, d: int, apart: float = 3.0, shares=None) -> tuple[np.ndarray, np.ndarray]:
    """Draw normal groups of unit variance, each `apart` to 1.5 times as much from its nearest earlier one."""
    group = rng.choice(k, n, p=shares)
    return centres(rng, k, d, apart)[group] + rng.normal(size=(n, d)), group


def unequal(rng, n: int, k: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw groups of which each has 0.7 times the customers of the one before."""
    shares = 0.7 ** np.arange(k)
    return balls(rng, n, k, d, shares=shares / shares.sum())


def turned_square(rng, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw groups at the corners of a square of side 3 that stands on a corner; k other than 4 are places on a circle."""
    angle = 2 * np.pi * np.arange(k) / k
    group = rng.integers(k, size=n)
    side = 1.5 / np.sin(np.pi / k)
    places = side * np.column_stack([np.cos(angle), np.sin(angle)])
    return places[group] + rng.normal(size=(n, 2)), group


def heavy(rng, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    group = rng.integers(k, size=n)
    return centres(rng, k, 3, 4.5)[group] + rng.standard_t(5, (n, 3)), group


def counted(rng, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw logs of whole numbers: gamma rates of k kinds of customer."""
    group = rng.integers(k, size=n)
    rate = np.exp(centres(rng, k, 3, 1.6))[group] * rng.gamma(12, 1 / 12, (n, 3))
    return np.log1p(rng.poisson(3 * rate)), group


def slanted(rng, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw balls and stretch the whole table to twice its length along a diagonal."""
    X, group = balls(rng, n, k, 2, 4.0)
    return X @ np.array([[1.5, 0.5], [0.5, 1.5]]), group


def blobs(rng, n: int, k: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw scikit-learn's blobs, each at least 4 standard deviations from the others."""
    while True:
        X, group, places = make_blobs(
            n, d, centers=k, random_state=int(rng.integers(2**31)), return_centers=True
        )
        apart = np.linalg.norm(places[:, None] - places, axis=2)
        if apart[np.triu_indices(k, 1)].min() >= 4:
            return X, group


def hypercube(rng, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw scikit-learn's classes, one a corner of a hypercube, with correlated features."""
    return classification(
        n, 4, n_informative=4, n_redundant=0, n_classes=k, n_clusters_per_class=1, class_sep=2.0, flip_y=0,
        random_state=int(rng.integers(2**31)),
    )  # fmt: skip


GROUPS: dict[str, Callable] = {
    "balls in 3 features": lambda rng, k: balls(rng, 300, k, 3),
    "balls in 5 features": lambda rng, k: balls(rng, 300, k, 5),
    "balls in 8 features": lambda rng, k: balls(rng, 400, k, 8),
    "balls, 1,500 customers": lambda rng, k: balls(rng, 1500, k, 4),
    "unequal sizes": lambda rng, k: unequal(rng, 400, k, 3),
    "places on a circle": lambda rng, k: turned_square(rng, 400, k),
    "t5 tails": lambda rng, k: heavy(rng, 400, k),
    "whole numbers, in logs": lambda rng, k: counted(rng, 600, k),
    "slanted": lambda rng, k: slanted(rng, 400, k),
    "scikit-learn's blobs in 2 features": lambda rng, k: blobs(rng, 300, k, 2),
    "scikit-learn's blobs in 6 features": lambda rng, k: blobs(rng, 200, k, 6),
    "corners of a hypercube": lambda rng, k: hypercube(rng, 500, k),
}
