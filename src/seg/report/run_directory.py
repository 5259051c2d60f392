"""What a run leaves in its directory; every file appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from sklearn.decomposition import PCA

from seg import progress
from seg.errors import SegError
from seg.pipeline.flow import Result
from seg.report import drawing, plots
from seg.report import page as report
from seg.sinks.atomic import whole

ASSIGNMENTS = "assignments.parquet"
# Rows of the data, and a model that no store keeps.
NOT_SHARED = ("bad_rows.csv", "model.pkl")


def writable(folder: Path) -> Path:
    """Make the directory of a run, or say why it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".seg-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SegError(
            f"hydra.run.dir={folder}: cannot be written ({error.strerror}); choose another directory with hydra.run.dir=..."
        ) from None
    return folder


def write(path: Path, content: bytes | str) -> Path:
    """Write a file under a temporary name and rename it."""
    try:
        with whole(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise SegError(
            f"{path}: cannot be written ({error.strerror}); free space or choose another hydra.run.dir"
        ) from None
    return path


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as CSV (UTF-8, full precision)."""
    return write(path, frame.to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as Parquet."""
    return write(path, frame.to_parquet(index=False))


def leave(
    result: Result, folder: Path, config_yaml: str, facts: Mapping[str, str], title: str, subtitle: str
) -> list[Path]:
    """Write everything a run leaves into its directory.

    Parameters
    ----------
    result : Result
    folder : Path
        The directory of the run.
    config_yaml : str
        The composed configuration, unresolved: what comes from the environment does not land in a file.
    facts : mapping of str to str
        Where the result came from, for the head of the report.
    title, subtitle : str
        Of the report.

    Returns
    -------
    list of Path
        What was written.
    """
    with progress.step("figures and report"):
        figures = _figures(result)
        tables = {
            "segments": result.segments,
            "k_scan": result.scan.table,
            "ledger": result.ledger,
            "evidence": pd.DataFrame(result.evidence.verdicts),
        }
        if result.votes is not None:
            tables["votes"] = result.votes
        if result.published is not None:
            tables["published"] = result.published
        if len(result.rejects):
            tables["bad_rows"] = result.rejects
        written = [write(folder / "config.yaml", config_yaml)]
        written += [write_csv(folder / f"{name}.csv", table) for name, table in tables.items()]
        written += [_assigned(result, folder)]
        written += [write(folder / "figures" / f"{name}.png", png) for name, (_, png) in figures.items()]
        page = report.render(
            title=title,
            subtitle=subtitle,
            notices=result.notices,
            facts=dict(facts),
            metrics=[(name, value, result.meanings.get(name, "")) for name, value in result.metrics.items()],
            segments=result.segments,
            features=[*result.table.features, *result.table.profile],
            k_scan=result.scan.table,
            k=result.k,
            k_reason=result.k_reason,
            ledger=result.ledger,
            figures=figures,
            config_yaml=config_yaml,
            verdicts=result.evidence.verdicts,
            evidence_tables=_tables(result),
        )
        written.append(write(folder / "report.html", page))
    return written


def shared_files(written: list[Path]) -> list[Path]:
    """Leave out what stays in the directory of a run."""
    return [path for path in written if path.name not in NOT_SHARED]


@contextmanager
def to_share(files: list[Path], folder: Path, salt: str) -> Iterator[Path]:
    """Gather in a temporary folder what may leave the directory of a run, for as long as the context lasts.

    Customer ids do not leave it: in the assignments they are hashed with the fingerprint of the data, so that runs on
    the same data can be compared.
    """
    with tempfile.TemporaryDirectory(prefix="seg-share-") as scratch:
        for path in files:
            target = Path(scratch) / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.name == ASSIGNMENTS:
                _hash_customers(path, target, salt)
            else:
                shutil.copyfile(path, target)
        yield Path(scratch)


def _hash_customers(source: Path, target: Path, salt: str) -> None:
    """Copy assignments, a file or a folder of them, with hashed customers, without ever having all of them in memory."""
    table = pyarrow.dataset.dataset(source, format="parquet")
    place = table.schema.get_field_index("customer_id")
    schema = table.schema.set(place, pa.field("customer_id", pa.string()))  # pandas writes large strings
    with pq.ParquetWriter(target, schema) as writer:
        for batch in table.to_batches():
            hashed = pa.array([_hashed(salt, one) for one in batch.column(place).to_pylist()], pa.string())
            writer.write_batch(batch.set_column(place, schema.field(place), hashed))


def _hashed(salt: str, customer_id: str) -> str:
    return hashlib.sha256(f"{salt} {customer_id}".encode()).hexdigest()[:16]


def _assigned(result: Result, folder: Path) -> Path:
    """Write the segment of each customer, where Spark's executors have not."""
    if result.spread is not None and result.spread.assignments is not None:
        return result.spread.assignments
    return write_parquet(folder / ASSIGNMENTS, _assignments(result))


def _assignments(result: Result) -> pd.DataFrame:
    """One row a customer: the segment and, of a mixture, the probability of belonging to each segment."""
    table = pd.DataFrame({"customer_id": result.table.frame.index.astype(str), "segment": result.labels})
    probabilities = result.scan.fitted[result.k].memberships(result.seen)
    if probabilities is None:
        return table
    names = [f"probability_{segment}" for segment in range(probabilities.shape[1])]
    return table.join(pd.DataFrame(probabilities, columns=names))


def _votes(votes: pd.DataFrame) -> pd.DataFrame:
    shown = votes.astype({"k": object, "value": object})
    shown["k"] = ["-" if pd.isna(k) else str(int(k)) for k in votes["k"]]
    shown["value"] = ["-" if pd.isna(value) else f"{value:.4g}" for value in votes["value"]]
    return shown


def _tables(result: Result) -> list[tuple[str, pd.DataFrame]]:
    evidence, tables = result.evidence, []
    if result.published is not None:
        tables.append(("Published figures of the study, and those of this run.", result.published))
    if result.votes is not None:
        tables.append(
            (
                "Votes for the number of segments: 1 sees a single group, - has no answer or was not asked.",
                _votes(result.votes),
            )
        )
    explained = {
        name.split("/", 1)[1]: value
        for name, value in result.metrics.items()
        if name.startswith("explained/")
    }
    tables.append(
        ("What the segments explain: share of the variance of each feature that lies between them.",
         pd.DataFrame({"feature": explained.keys(), "share explained": explained.values()}))
    )  # fmt: skip
    if evidence.stability is not None:
        stable = evidence.stability
        frame = pd.DataFrame({"segment": stable.segments, "bootstrap Jaccard": stable.jaccard.values(),
                              "band": stable.bands.values(), "dissolved": stable.dissolved.values()})  # fmt: skip
        strength = ""
        if evidence.strength is not None:
            strength = (
                f"prediction strength {evidence.strength[0]:.2f} (Tibshirani & Walther 2005: 0.8 is strong), "
            )
        caption = (
            f"Stability, {stable.scope}: bootstrap Jaccard (Hennig 2007), adjusted Rand index {stable.rand:.2f} "
            f"(standard error {stable.rand_se:.3f}), {strength}agreement over seeds {evidence.seeds:.2f}. A stable segmentation "
            "may still be a mere slice of one feature: see what the segments explain."
        )
        tables.append((caption, frame))
    if evidence.holdout is not None:
        scores = evidence.holdout.scores
        tables.append(
            (
                f"After the cut, segment by segment, with 95 % intervals: {evidence.holdout.sentence}",
                scores.segments,
            )
        )
        tables.append(("Against baselines: eta squared of log spend, cross-fitted AUC of buying and R squared of log spend.",
                       scores.baselines))  # fmt: skip
    return tables


def _figures(result: Result) -> dict[str, tuple[str, bytes]]:
    labels, segments = result.labels, result.segments
    named = dict(zip(segments["segment"], segments["name"], strict=True))
    silhouette, k_scan = result.scan.silhouettes[result.k], result.scan.table
    points, explained = _map(result.X)
    shown = [*result.table.features, *result.table.profile][:40]
    sampled = f" ({result.spread.sampled})" if result.spread and result.spread.sampled else ""
    made = {
        "map": (
            f"Customers in the two main directions of the scaled features{sampled}",
            partial(plots.map_2d, points, labels, named, explained),
        ),
        "profile": (
            "Segment means, coloured by index to the average customer",
            partial(plots.profile_heatmap, segments, shown),
        ),
        "sizes": ("Share of customers and of revenue", partial(plots.sizes, segments)),
    }
    if silhouette.n:
        kept = labels[silhouette.index]
        sizes = dict(zip(segments["segment"], segments["size"], strict=True))
        blades = partial(
            plots.silhouette_blades,
            silhouette.samples,
            kept,
            named,
            silhouette.value,
            sizes=sizes,
            means=silhouette.per_cluster,
        )
        made["silhouette_blades"] = (f"Silhouette of each customer, segment by segment{sampled}", blades)
    made["elbow"] = ("Inertia over k", partial(plots.elbow, k_scan, result.k))
    made["silhouette"] = ("Mean silhouette over k", partial(plots.silhouette_over_k, k_scan, result.k))
    if result.votes is not None:
        made["votes"] = (
            "Votes of the rules for the number of segments",
            partial(plots.votes, result.votes, result.k, k_scan["k"]),
        )
    pngs = drawing.drawn({name: make for name, (_, make) in made.items()})
    return {name: (made[name][0], pngs[name]) for name in made}


def _map(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if X.shape[1] == 1:
        return np.column_stack([X, np.zeros(len(X))]), np.array([1.0, 0.0])
    pca = PCA(2, random_state=0).fit(X)
    return pca.transform(X), pca.explained_variance_ratio_
