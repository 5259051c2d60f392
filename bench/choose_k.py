"""Ask every rule for the number of segments of generated data sets whose number is known, and `k=auto` beside them.

    python bench/choose_k.py                              132 generated data sets, about four minutes on two idle cores
    python bench/choose_k.py --half report --seeds 4      136 data sets
    python bench/choose_k.py --public                     the public benchmark sets in $SEG_DATA_DIR/clustering, with k-means and with mixtures
    python bench/choose_k.py --shapes 12                  96 data sets of many shapes with mixtures, six minutes of processor time
    python bench/choose_k.py --unseen 2                   100 data sets that nothing was chosen on (bench/unseen.py), k-means and mixtures

The public sets are those of Gagolewski's suite (clustering-data-v1, doi 10.5281/zenodo.7088171), one CSV a set with columns x0, x1, ... and
reference0, ... (0 is noise); only sets that the model divides as a reference does (adjusted Rand index above 0.8 at the
reference's k) are counted. Every second set, in alphabetical order, is of the tune half.

Prints the share of data sets whose k was found, rule by family, and over all of them, with standard errors. Data without structure count as
found where a rule answers 1, or auto says that no k is clear; with structure, auto must both find k and call it clear on generated
data, and find k on public ones, where the share of right ones among the clear is printed too. BIC and the mixture's peaks are of a
Gaussian mixture, the others of the model. The generated report half has seeds 500 and up, and two families that the tune half never had.
"""

import argparse
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

import shapes
import unseen
from clouds import centres
from headway import reported
from seg.metrics import separation
from seg.models.mixture import SafeGaussianMixture
from seg.selection.choose import RULES, Measuring, choose, panel, votes

KS = range(2, 13)
REPORT = 500  # the first seed of the report half
TUNED = 6  # seeds of bench/shapes.py that the decision was made on


def blobs(rng, n, k, d, apart, shares=None, sds=None, df=None, stretch=1.0, noise=0) -> np.ndarray:
    """Draw k groups `apart` mean standard deviations apart.

    `df` makes tails heavy (Student's t), `stretch` turns balls into cigars, `noise` adds columns without groups.
    """
    shares = np.ones(k) if shares is None else np.asarray(shares, float)
    sds = np.ones(k) if sds is None else np.asarray(sds, float)
    group = rng.choice(k, size=n, p=shares / shares.sum())
    unit = rng.normal(size=(n, d)) if df is None else rng.standard_t(df, size=(n, d))
    if stretch > 1:
        turns = np.array([np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(k)])
        unit[:, 0] *= stretch
        unit = np.einsum("nij,nj->ni", turns[group], unit)
    X = centres(rng, k, d, apart * sds.mean())[group] + unit * sds[group, None]
    return np.column_stack([X, rng.normal(size=(n, noise)) * X.std()]) if noise else X


# Logs of recency in days, orders after the first, value of an order.
KINDS = np.array(
    [
        [2.0, 2.6, 5.2],
        [5.2, 0.4, 3.6],
        [2.6, 0.5, 3.2],
        [4.6, 1.9, 5.4],
        [5.4, 0.3, 5.8],
        [2.4, 2.3, 3.0],
        [3.4, 0.6, 6.2],
        [5.3, 2.2, 3.4],
    ]
)


def rfm(rng, n, k, noise=0) -> np.ndarray:
    """Draw k kinds of customer: whole days, whole orders, log-normal revenue, in logs."""
    group = rng.choice(k, size=n, p=rng.dirichlet(np.full(k, 12.0)))
    logs = KINDS[rng.permutation(len(KINDS))[:k]][group] + rng.normal(size=(n, 3)) * 0.33
    recency = np.maximum(1, np.exp(logs[:, 0]).round())
    orders = 1 + rng.poisson(np.exp(logs[:, 1]))
    revenue = np.exp(logs[:, 2]).round(2) * orders
    X = np.log(np.column_stack([recency, orders, revenue]))
    return np.column_stack([X, rng.normal(size=(n, noise))]) if noise else X


def shop(rng, n) -> np.ndarray:
    """Draw customers of one kind, whose rates vary smoothly: recency, orders, revenue, in logs."""
    rate = np.exp(rng.normal(0.6, 0.9, n))
    orders = 1 + rng.poisson(rate)
    recency = np.ceil(rng.exponential(120 / (0.5 + rate), n)) + 1
    return np.log(np.column_stack([recency, orders, np.exp(rng.normal(4, 0.7, n)) * orders]))


def mixed(rng, n) -> tuple[np.ndarray, int]:
    """Draw 2 to 10 groups with everything at once: sizes, variances, tails, stretch."""
    k, d = int(rng.integers(2, 11)), int(rng.integers(2, 6))
    shares, sds = rng.dirichlet(np.full(k, 6.0)) + 0.03, rng.uniform(0.6, 1.4, k)
    tails = (None, None, 5)[rng.integers(3)]
    return blobs(rng, n, k, d, 6.5, shares, sds, tails, stretch=float(rng.uniform(1, 1.8))), k


# name: (true k, generator)
FAMILIES: dict[str, tuple[int, Callable]] = {
    "blobs 2": (2, lambda g, n: blobs(g, n, 2, 2, 6)),
    "blobs 3": (3, lambda g, n: blobs(g, n, 3, 2, 6)),
    "blobs 4": (4, lambda g, n: blobs(g, n, 4, 3, 6)),
    "blobs 5": (5, lambda g, n: blobs(g, n, 5, 2, 6)),
    "blobs 6": (6, lambda g, n: blobs(g, n, 6, 4, 6)),
    "blobs 8": (8, lambda g, n: blobs(g, n, 8, 3, 6)),
    "blobs 10": (10, lambda g, n: blobs(g, n, 10, 5, 6)),
    "overlap 3": (3, lambda g, n: blobs(g, n, 3, 2, 3.5)),
    "overlap 5": (5, lambda g, n: blobs(g, n, 5, 3, 3.5)),
    "overlap 7": (7, lambda g, n: blobs(g, n, 7, 4, 4)),
    "sizes 2": (2, lambda g, n: blobs(g, n, 2, 3, 5, shares=[0.9, 0.1])),
    "sizes 4": (4, lambda g, n: blobs(g, n, 4, 3, 5.5, shares=[0.55, 0.25, 0.13, 0.07])),
    "sizes 6": (6, lambda g, n: blobs(g, n, 6, 3, 5.5, shares=[0.35, 0.25, 0.15, 0.12, 0.08, 0.05])),
    "variances 3": (3, lambda g, n: blobs(g, n, 3, 2, 6, sds=[0.5, 1, 1.6])),
    "variances 5": (5, lambda g, n: blobs(g, n, 5, 3, 6.5, sds=[0.4, 0.7, 1, 1.3, 1.6])),
    "rfm 3": (3, lambda g, n: rfm(g, n, 3)),
    "rfm 4": (4, lambda g, n: rfm(g, n, 4)),
    "rfm 6": (6, lambda g, n: rfm(g, n, 6)),
    "rfm 8": (8, lambda g, n: rfm(g, n, 8)),
    "stretched 3": (3, lambda g, n: blobs(g, n, 3, 2, 9, stretch=2.5)),
    "stretched 4": (4, lambda g, n: blobs(g, n, 4, 3, 8, stretch=2.5)),
    "noise dims 3": (3, lambda g, n: blobs(g, n, 3, 2, 6, noise=2)),
    "noise dims 5": (5, lambda g, n: blobs(g, n, 5, 3, 7, noise=3)),
    "heavy tails 3": (3, lambda g, n: blobs(g, n, 3, 2, 8, df=3)),
    "heavy tails 5": (5, lambda g, n: blobs(g, n, 5, 3, 9, df=3)),
    "none, uniform": (1, lambda g, n: g.uniform(size=(n, 3))),
    "none, normal": (1, lambda g, n: g.normal(size=(n, 3)) @ g.normal(size=(3, 3))),
    "none, t": (1, lambda g, n: g.standard_t(4, size=(n, 3))),
    "none, log-normal": (1, lambda g, n: np.exp(g.normal(size=(n, 3)) * 0.6)),
    "none, rfm": (1, shop),
    "none, exponential": (1, lambda g, n: g.exponential(size=(n, 2))),
    "mixed": (0, mixed),
    # Of the report half alone: nothing was tuned on them.
    "new, rfm 5": (5, lambda g, n: rfm(g, n, 5, noise=1)),
    "new, none": (1, lambda g, n: np.column_stack([g.gamma(2, size=n), g.beta(2, 5, n), g.laplace(size=n)])),
}


def data_set(family: str, seed: int) -> tuple[np.ndarray, int]:
    """Return z-scores (n, d) of 1,000 to 2,000 customers, and their true k."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    k, draw = FAMILIES[family]
    X = draw(rng, int(rng.integers(1000, 2001)))
    if isinstance(X, tuple):
        X, k = X
    return (X - X.mean(axis=0)) / X.std(axis=0), k


def fit(X: np.ndarray, k: int, seed: int, starts: int = 3):
    model = KMeans(k, n_init=starts, random_state=seed).fit(X)
    return model.labels_, model.predict


def scan(X: np.ndarray, labelings: dict[int, np.ndarray]) -> pd.DataFrame:
    """Measure every k as the scan of a run does."""
    silhouettes = separation.silhouettes(X, labelings, sample=len(X), seed=0)
    rows = []
    for k, labels in labelings.items():
        rows.append(
            {
                "k": k,
                "inertia": separation.inertia(X, labels),
                "silhouette": silhouettes[k].value,
                "calinski_harabasz": separation.calinski_harabasz(X, labels),
                "davies_bouldin": separation.davies_bouldin(X, labels),
                "bic": np.nan,
                "smallest_segment": separation.sizes(labels)["smallest_segment"],
            }
        )
    return pd.DataFrame(rows)


def ask(job: tuple[str, int]) -> dict:
    """Return what each rule and auto answer for one data set."""
    family, seed = job
    X, true = data_set(family, seed)
    labelings = {k: fit(X, k, 0, starts=10)[0] for k in KS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mixtures that do not converge
        measured = panel(X, scan(X, labelings), labelings, fit, Measuring(workers=1))
    answers = votes(measured)
    choice = choose(answers, measured)
    answered = dict(zip(answers["rule"], answers["k"], strict=True))
    return {
        "family": family,
        "seed": seed,
        "k": true,
        **answered,
        "auto": float(choice.k if choice.clear else 1),
    }


def public_sets() -> dict[str, tuple[np.ndarray, list[np.ndarray]]]:
    """Read the public sets: z-scores (n, d), and the reference labellings."""
    folder = Path(os.environ.get("SEG_DATA_DIR", "datasets")) / "clustering"
    found = {}
    for path in sorted(folder.glob("*.csv*")):
        frame = pd.read_csv(path)
        X = frame.filter(regex="^x").to_numpy(float)
        references = [column.to_numpy(int) for _, column in frame.filter(regex="^reference").items()]
        found[path.name.split(".")[0]] = (
            (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1),
            references,
        )
    if not found:
        raise SystemExit(
            f"no sets in {folder}: set SEG_DATA_DIR, or get them from doi 10.5281/zenodo.7088171"
        )
    return found


def mixture(X: np.ndarray, k: int, seed: int, starts: int = 3):
    model = SafeGaussianMixture(k, n_init=starts, random_state=seed).fit(X)
    return model.labels_, model.predict


MODELS = {"kmeans": fit, "gmm": mixture}


def ask_public(job: tuple) -> dict | None:
    """Return what each rule and auto answer for one public set and model; None where the model cannot find a reference."""
    half, name, X, references, model, most = job
    wanted = {len(set(labels[labels > 0])) for labels in references}
    most = min(most, len(X) // 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labelings = {k: MODELS[model](X, k, 0, 10 if model == "kmeans" else 3)[0] for k in range(2, most + 1)}
        reached = (
            max(
                adjusted_rand_score(labels[labels > 0], labelings[len(set(labels[labels > 0]))][labels > 0])
                for labels in references
                if len(set(labels[labels > 0])) in labelings
            )
            if wanted != {1}
            else 1.0
        )
        scanned = scan(X, labelings)
        if model == "gmm":
            mixtures = [SafeGaussianMixture(k, n_init=3, random_state=0).fit(X) for k in labelings]
            scanned["bic"], scanned["icl"] = zip(*((one.bic(X), one.icl(X)) for one in mixtures), strict=True)
        measured = panel(X, scanned, labelings, MODELS[model], Measuring(complete=False, workers=1))
    answers = votes(measured)
    choice = choose(answers, measured)
    answered = {rule: k in wanted for rule, k in zip(answers["rule"], answers["k"], strict=True)}
    return {
        "half": half, "set": name, "model": model, "feasible": reached > 0.8, "k": sorted(wanted), "chosen": choice.k,
        "clear": choice.clear, **answered, "auto": choice.k in wanted if wanted != {1} else not choice.clear, "reason": choice.reason,
    }  # fmt: skip


def public_jobs() -> list[tuple]:
    """Return a job for each public set and model."""
    return [
        (("tune", "report")[place % 2], name, X, references, model, 20)
        for place, (name, (X, references)) in enumerate(public_sets().items())
        for model in MODELS
    ]


def shape_jobs(seeds: int) -> list[tuple]:
    """Return a job for each generated set of `bench/shapes.py`; the decision was made on the first `TUNED` seeds."""
    jobs = []
    for seed in range(seeds):
        for kind, make in enumerate(shapes.KINDS):
            X, group = shapes.draw(kind, seed)
            most = 14 if make is shapes.many_groups else 9
            half = "tune" if seed < TUNED else "report"
            jobs.append((half, f"{make.__name__} {seed}", X, [group], "gmm", most))
    return jobs


def unseen_jobs(seeds: int) -> list[tuple]:
    """Return a job for each family of `bench/unseen.py`, seed and model: 2 to 6 groups, or one cloud, where no clear k is right."""
    jobs = []
    for seed in range(seeds):
        for place, (name, draw) in enumerate((unseen.ONE_CLOUD | unseen.GROUPS).items()):
            rng = np.random.default_rng([91, place, seed])
            if name in unseen.ONE_CLOUD:
                X, group = draw(rng), None
            else:
                X, group = draw(rng, int(rng.integers(2, 7)))
            labels = np.ones(len(X), dtype=int) if group is None else group + 1
            Z = (X - X.mean(axis=0)) / X.std(axis=0)
            half = "one cloud" if group is None else "groups"
            jobs += [(half, f"{name} {seed}", Z, [labels], model, 9) for model in MODELS]
    return jobs


def show_sets(jobs: list[tuple], workers: int) -> None:
    """Print what was found on sets with reference labels, half by half."""
    start = time.perf_counter()
    with multiprocessing.Pool(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        answers = reported(pool.imap_unordered(ask_public, jobs), len(jobs), "sets with reference labels")
        table = pd.DataFrame(answers).sort_values(["model", "set"])
    print(table[["half", "set", "model", "feasible", "k", "chosen", "clear", "auto"]].to_string(index=False))
    rules = [rule for rule in (*RULES, "auto") if rule in table and table[rule].any()]
    feasible = table[table["feasible"]]
    for (model, half), part in [
        *feasible.groupby(["model", "half"]),
        *(((name, "both"), p) for name, p in feasible.groupby("model")),
    ]:
        shares = "  ".join(
            f"{rule} {part[rule].mean():.2f} ± {part[rule].astype(float).sem():.2f}" for rule in rules
        )
        print(f"\n{model}, {half} half, {len(part)} sets that it can divide: {shares}")
    clear = table[table["clear"]]
    print(
        f"\nclear: {len(clear)} of {len(table)}, right in {int(clear['auto'].sum())}; {time.perf_counter() - start:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="data sets a family in each half")
    parser.add_argument("--half", choices=["both", "tune", "report"], default="both")
    parser.add_argument("--public", action="store_true", help="the public sets instead of generated ones")
    parser.add_argument("--shapes", type=int, default=0, help="seeds of bench/shapes.py, with mixtures")
    parser.add_argument("--unseen", type=int, default=0, help="seeds of bench/unseen.py")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    if options.public or options.shapes or options.unseen:
        jobs = public_jobs() if options.public else shape_jobs(options.shapes) + unseen_jobs(options.unseen)
        show_sets(jobs, options.workers)
        return
    jobs = [
        (family, first + number)
        for first in {"both": (0, REPORT), "tune": (0,), "report": (REPORT,)}[options.half]
        for number in range(options.seeds)
        for family in FAMILIES
        if first == REPORT or not family.startswith("new")
    ]
    start = time.perf_counter()
    # One thread a process: threads within a fit of 2,000 customers mostly wait for each other.
    with multiprocessing.Pool(options.workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        answers = pd.DataFrame(reported(pool.imap_unordered(ask, jobs), len(jobs), "generated sets"))
    answers["half"] = np.where(answers["seed"] < REPORT, "tune", "report")
    show(answers)
    print(f"\n{len(jobs)} data sets, {time.perf_counter() - start:.0f} s")


def show(answers: pd.DataFrame) -> None:
    names = [*RULES, "auto"]
    found = answers[names].eq(answers["k"], axis=0).assign(family=answers["family"], half=answers["half"])
    short = {name: name[:11] for name in names}
    for half, part in found.groupby("half", sort=False):
        print(f"\nShare of data sets whose k was found, {half} half")
        by_family = (
            part.groupby("family")[names].mean().reindex([f for f in FAMILIES if f in set(part["family"])])
        )
        print(by_family.rename(columns=short).round(2).to_string())
    print(
        "\nOver all data sets (± standard error); 'auto ahead by' is of the report half, data set by data set"
    )
    for name in names:
        line = f"{name:<20}"
        for half, part in found.groupby("half", sort=False):
            line += f"  {half} {part[name].mean():.3f} ± {part[name].sem():.3f}"
        ahead = part["auto"].astype(int) - part[name].astype(int)
        print(line + ("" if name == "auto" else f"   auto ahead by {ahead.mean():+.3f} ± {ahead.sem():.3f}"))
    print()
    kinds = answers.assign(kind=np.where(answers["k"] > 1, "groups", "no groups"))
    new = answers["family"].str.startswith("new")
    for title, chosen in (
        ("report half, new families", new),
        *((f"report half, {kind}", kinds["kind"] == kind) for kind in ("groups", "no groups")),
    ):
        part = found[chosen & (found["half"] == "report")]
        print(f"{title:<28} " + "  ".join(f"{short[name]} {part[name].mean():.2f}" for name in names))


if __name__ == "__main__":
    main()
