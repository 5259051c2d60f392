"""What a segmentation is worth: the metrics of the chosen k, in its own space and in the common one."""

from __future__ import annotations

import pandas as pd
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import Pipeline

from seg.config import Settings
from seg.evaluation import common, meanings, metrics
from seg.features import FeatureTable
from seg.selection import Scan


def measure(
    settings: Settings,
    table: FeatureTable,
    scan: Scan,
    k: int,
    pipeline: Pipeline,
    ledger: pd.DataFrame,
    rejects: pd.DataFrame,
    notices: list[tuple[str, str]],
) -> tuple[dict[str, float], dict[str, str]]:
    """Collect the metrics of the chosen k, each named by its space, and say what each of them is.

    Parameters
    ----------
    pipeline : Pipeline
        From the feature table to segments, the clusterer of the chosen k at its end.
    ledger, rejects : DataFrame
        What the cleaning left, and the rows that could not be read.
    notices : list of (level, text)
        Gets one more where the clusterer has no rule of its own for new customers.

    Returns
    -------
    values, meanings : dict
        Both by the name of the metric.
    """
    labels, row = scan.fitted[k].labels_, scan.table.set_index("k").loc[k]
    values = {
        f"own/{name}": float(row[name])
        for name in row.index
        if name not in ("seconds", "smallest_segment", "largest_share")
    }
    space = common.rank_normal(table.frame[settings.dataset.common])
    shared = metrics.silhouettes(
        space, {k: labels}, sample=settings.evaluation.silhouette_sample, seed=settings.seed
    )[k]
    values |= {
        "common/silhouette": shared.value,
        "common/silhouette_se": shared.se,
        "common/silhouette_sq": metrics.silhouette_squared(space, labels),
        **{
            f"explained/{name}": value
            for name, value in metrics.variance_explained(table.frame[table.features], labels).items()
        },
        "segments/count": k,
        **{f"segments/{name}": value for name, value in metrics.sizes(labels).items()},
        "data/rows": ledger["rows"].iloc[0],
        "data/rows_kept": ledger["rows"].iloc[-1],
        "data/bad_rows": len(rejects),
        "data/customers": len(table.frame),
    }
    if table.truth is not None:
        values["truth/adjusted_rand"] = adjusted_rand_score(table.truth, labels)
    if not scan.fitted[k].predicts:
        agreement = float((pipeline.predict(table.frame[table.features]) == labels).mean())
        values["segments/predict_agreement"] = agreement
        notices.append(
            ("info", f"{type(scan.fitted[k].clusterer).__name__} has no rule for new customers: they go to the segment with the "
             f"nearest centre, which gives {agreement:.1%} of the customers here the segment that they have")
        )  # fmt: skip
    own = scan.silhouettes[k]
    return values, meanings.of(values, own, shared, settings.dataset.common)
