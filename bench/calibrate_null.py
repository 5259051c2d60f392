"""Measure the error rate and the power of the verdict "better than noise" on generated data.

    python bench/calibrate_null.py                     200 data sets of each family and k
    python bench/calibrate_null.py --minutes 30        as many of them as 30 minutes allow, the same number of each family
    python bench/calibrate_null.py --families banana,uniform --model gmm --workers 1
    python bench/calibrate_null.py --unseen            families that the null was not developed on (bench/unseen.py)

Each one-cloud family is a single kind of customer: "yes" is wrong there, and is wanted at most 7 times in 100. Each family of
four groups, 3 standard deviations apart, has structure: "yes" is right there. Printed are shares of "yes" with their standard error. The
null was developed on seeds below 1,000 with k-means alone; this table uses seeds from 5,000 on, and the models as seg runs them.

With 20 draws of each kind the answer is "no" as soon as one of them scores at least as high as the data: the rest is not drawn, unless
a feature has two peaks by itself.
"""

import argparse
import multiprocessing
import re
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import unseen
from clouds import centres
from headway import reported
from seg.metrics import null, null_result, separation
from seg.metrics.one_cloud import OneCloud
from seg.models.coreset_kmeans import CoresetKMeans
from seg.models.mixture import SafeGaussianMixture

FIRST_SEED = 5_000
DRAWS = 20
N = 300


def correlated(rng: np.random.Generator, n: int, rho: float, d: int = 3) -> np.ndarray:
    """Draw one normal cloud in which every two features have the correlation `rho`."""
    covariance = np.full((d, d), rho) + (1 - rho) * np.eye(d)
    return rng.normal(size=(n, d)) @ np.linalg.cholesky(covariance).T


def one_kind(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw recency, orders and revenue of customers whose rate of buying varies smoothly."""
    rate = np.exp(rng.normal(0.6, 0.9, n))
    orders = 1 + rng.poisson(rate)
    recency = np.ceil(rng.exponential(120 / (0.5 + rate), n)) + 1
    return np.column_stack([recency, orders, np.exp(rng.normal(4, 0.7, n)) * orders])


def banana(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw one bent cloud."""
    x = rng.normal(size=n)
    return np.column_stack([x, 0.5 * x**2 + 0.5 * rng.normal(size=n)])


def half_zeros(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw log-normal features, of which the first is 0 for half of the customers."""
    X = np.exp(correlated(rng, n, 0.5))
    return np.column_stack([np.where(rng.random(n) < 0.5, 0.0, X[:, 0]), X[:, 1:]])


ONE_CLOUD: dict[str, Callable] = {
    "correlated 0.3": lambda rng, n: correlated(rng, n, 0.3),
    "correlated 0.6": lambda rng, n: correlated(rng, n, 0.6, d=2),
    "correlated 0.9": lambda rng, n: correlated(rng, n, 0.9),
    "log-normal": lambda rng, n: np.exp(correlated(rng, n, 0.6)),
    "t3": lambda rng, n: correlated(rng, n, 0.5) / np.sqrt(rng.chisquare(3, n) / 3)[:, None],
    "counts": lambda rng, n: rng.poisson(rng.gamma(2, 2, n)[:, None] * np.ones(3)).astype(float),
    "rfm raw": one_kind,
    "rfm logged": lambda rng, n: np.log(one_kind(rng, n)),
    "uniform": lambda rng, n: rng.uniform(size=(n, 3)),
    "banana": banana,
    "half zeros": half_zeros,
}


def groups(rng: np.random.Generator, n: int, means: np.ndarray) -> np.ndarray:
    """Draw groups of equal size and unit variance around their means."""
    return means[rng.integers(len(means), size=n)] + rng.normal(size=(n, means.shape[1]))


TETRAHEDRON = 3 / 8**0.5 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
FOUR_GROUPS: dict[str, Callable] = {
    "4 groups, random places, 2 features": lambda rng, n: groups(rng, n, centres(rng, 4, 2, 3.0)),
    "4 groups, random places, 3 features": lambda rng, n: groups(rng, n, centres(rng, 4, 3, 3.0)),
    "4 groups, tetrahedron": lambda rng, n: groups(rng, n, TETRAHEDRON),
    "4 groups, corners of a square": lambda rng, n: groups(
        rng, n, 3.0 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    ),
}

UNSEEN_CLOUDS = {name: lambda rng, n, draw=draw: draw(rng) for name, draw in unseen.ONE_CLOUD.items()}
UNSEEN_GROUPS = {
    f"4 groups, {name}": lambda rng, n, draw=draw: draw(rng, 4)[0] for name, draw in unseen.GROUPS.items()
}
ALL = ONE_CLOUD | FOUR_GROUPS | UNSEEN_CLOUDS | UNSEEN_GROUPS


def fitted(X: np.ndarray, k: int, model: str, seed: int) -> np.ndarray:
    """Return the labels of seg's own k-means or mixture."""
    if model == "kmeans":
        return CoresetKMeans(k, n_init=10, tol=0, max_iter=1000, random_state=seed).fit_predict(X)
    return SafeGaussianMixture(k, random_state=seed).fit_predict(X)


class NotBetter(Exception):
    """A null data set scores at least as high as the data: with `DRAWS` of each kind, p is above 0.05."""


def says_yes(job: tuple[str, int, int, str]) -> tuple[str, int, str, bool]:
    """Run the test on one data set, kind by kind, until one of them objects."""
    family, k, seed, model = job
    rng = np.random.default_rng([seed, k])
    X = ALL[family](rng, N)

    def score(values: np.ndarray, start: int) -> float:
        scaled = StandardScaler().fit_transform(values)
        labels = fitted(scaled, k, model, start)
        return separation.silhouettes(scaled, {k: labels}, sample=len(scaled), seed=0)[k].value

    observed, two = score(X, seed), OneCloud(X, seed).two_peaked

    def once(values: np.ndarray, start: int) -> float:
        if values is X:
            return observed
        value = score(values, start)
        if value >= observed and not two:
            raise NotBetter
        return value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = bool(null_result.passed(null.null_test(X, once, DRAWS, seed)))
        except NotBetter:
            answer = False
    return family, k, model, answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200, help="data sets of each family and k")
    parser.add_argument("--families", help="separated by commas without a space; all unless given")
    parser.add_argument("--unseen", action="store_true", help="the families of bench/unseen.py")
    parser.add_argument("--minutes", type=float, help="print what is finished by then")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--model", choices=["kmeans", "gmm", "both"], default="both")
    options = parser.parse_args()
    standard = [*UNSEEN_CLOUDS, *UNSEEN_GROUPS] if options.unseen else [*ONE_CLOUD, *FOUR_GROUPS]
    asked = re.split(",(?! )", options.families) if options.families else standard
    models = ["kmeans", "gmm"] if options.model == "both" else [options.model]
    jobs = [
        (family, k, FIRST_SEED + number, model)
        for number in range(options.sets)
        for family in asked
        for k in ((2, 3, 4) if family in ONE_CLOUD | UNSEEN_CLOUDS else (4,))
        for model in models
    ]
    start = time.perf_counter()
    end = start + 60 * (options.minutes or np.inf)
    finished = []
    with multiprocessing.Pool(options.workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        for answer in reported(pool.imap_unordered(says_yes, jobs), len(jobs), "null test"):
            finished.append(answer)
            if time.perf_counter() > end:
                break
    answers = pd.DataFrame(finished, columns=["family", "k", "model", "yes"])
    families = answers.groupby("family")["yes"].agg(["mean", "sem", "size"]).reindex(asked)
    families["all"] = [
        f"{mean:.3f} ± {error:.3f} of {size}" for mean, error, size in families.itertuples(index=False)
    ]
    shares = answers.groupby(["family", "k", "model"], sort=False)["yes"].agg(["mean", "sem"])
    shares["yes"] = [f"{mean:.3f} ± {error:.3f}" for mean, error in shares.to_numpy()]
    table = shares["yes"].unstack(["model", "k"]).reindex(asked).sort_index(axis=1)
    for title, kinds in (
        ("One cloud: share of wrong yes", ONE_CLOUD | UNSEEN_CLOUDS),
        ("Structure: share of right yes", FOUR_GROUPS | UNSEEN_GROUPS),
    ):
        part = table.loc[[family for family in asked if family in kinds]].dropna(axis=1, how="all")
        part = part.set_axis([f"{model} k={k}" for model, k in part], axis=1).join(families["all"])
        if len(part):
            print(f"\n{title}\n{part.to_string()}")
    print(f"\n{len(finished)} data sets, {DRAWS} draws of each kind, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
