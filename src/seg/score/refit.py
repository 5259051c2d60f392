"""Two models of the same customers: which segment is which, who changed, how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from seg.errors import SegError
from seg.segments import matching, movement

DISSOLVED = 0.5  # Hennig 2007, Cluster-wise assessment of cluster stability, doi 10.1016/j.csda.2006.11.025


@dataclass(frozen=True)
class Matched:
    """Two models on the same customers.

    Parameters
    ----------
    table : DataFrame
        One row a new segment: ``segment``, its own ``name``, ``matched`` with which old one, ``named`` as it should be called, the
        ``customers`` in it, the ``shared`` ones with the old segment, and their Jaccard index ``jaccard``.
    transitions : DataFrame
        As of a `Movement`, new segments called as they should be; only customers whom both models place.
    customers : DataFrame
        ``customer_id``, ``segment_from``, ``segment``, ``named``, ``status``.
    adjusted_rand : float
        Agreement of the two partitions, 0 by chance and 1 for the same (Hubert & Arabie 1985).
    kept : float
        Share of the customers of both who are in the matched segment.
    """

    table: pd.DataFrame
    transitions: pd.DataFrame
    customers: pd.DataFrame
    adjusted_rand: float
    kept: float

    @property
    def matrix(self) -> pd.DataFrame:
        """Customers from each old segment (row) to each new one (column)."""
        return movement.matrix(self.transitions)

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        return (
            f"adjusted Rand index {self.adjusted_rand:.3f} (1: the same segments, 0: as by chance); {self.kept:.0%} of the customers keep "
            f"their segment once the new ones are matched to the old ones{self._weak}"
        )

    @property
    def _weak(self) -> str:
        matched = self.table[self.table["matched"] != ""]
        weak = matched.loc[matched["jaccard"] < DISSOLVED, "named"].tolist()
        if not weak:
            return ""
        return (
            f"; the same by name only: {', '.join(weak)}, whose Jaccard index with the old segment is below {DISSOLVED} "
            "(dissolved, by Hennig 2007)"
        )


def compare_models(
    old: pd.Series, new: pd.Series, names: Mapping[int, str], new_names: Mapping[int, str]
) -> Matched:
    """Match the segments of two models by their customers.

    Parameters
    ----------
    old, new : Series of int
        Segment of each customer, by customer id.
    names, new_names : mapping of int to str
        Of the segments of both.

    Raises
    ------
    SegError
        No customer is in both.
    """
    both = old.index.intersection(new.index)
    if not len(both):
        raise SegError(
            "to_model: the two models have no customer in common; check that both read the same data"
        )
    counts = matching.overlap(old[both], new[both])
    matched = matching.match(counts)
    named = matching.named_after(matched, sorted(new_names), names)
    fresh = count(max(names, default=0) + 1)
    aligned = {
        segment: matched[segment] if segment in matched else next(fresh) for segment in sorted(new_names)
    }
    kept = sum(int(counts.at[before, after]) for after, before in matched.items())
    customers = pd.DataFrame(
        {
            "customer_id": both.astype(str),
            "segment_from": old[both].to_numpy(),
            "segment": new[both].to_numpy(),
            "named": new[both].map(named).to_numpy(),
        }
    )
    same = customers["segment"].map(matched).eq(customers["segment_from"])
    return Matched(
        table=_matched_table(counts, matched, named, names, new_names),
        # In the order of the old ones, so that those who stayed are on the diagonal.
        transitions=movement.transitions(
            old[both], new[both].map(aligned), names, {aligned[one]: name for one, name in named.items()}
        ),
        customers=customers.assign(status=np.where(same, "stayed", "moved")),
        adjusted_rand=float(adjusted_rand_score(old[both], new[both])),
        kept=kept / len(both),
    )


def _matched_table(
    counts: pd.DataFrame, matched: Mapping, named: Mapping, names: Mapping, new_names: Mapping
) -> pd.DataFrame:
    rows = []
    for segment in sorted(new_names, key=lambda one: (one < 0, one)):
        size = int(counts[segment].sum()) if segment in counts else 0
        before = matched.get(segment)
        shared = int(counts.at[before, segment]) if before in counts.index and segment in counts else 0
        union = size + (int(counts.loc[before].sum()) if before in counts.index else 0) - shared
        old_name = names.get(before, "") if before is not None else ""
        rows.append(
            (
                segment,
                new_names[segment],
                old_name,
                named[segment],
                size,
                shared,
                shared / union if union else 0.0,
            )
        )
    return pd.DataFrame(
        rows, columns=["segment", "name", "matched", "named", "customers", "shared", "jaccard"]
    )


def read_names(path: Path) -> dict[int, str]:
    """Read what segments should be called from the ``matching.csv`` that seg migrate leaves.

    Raises
    ------
    SegError
        The file is not there or is not one.
    """
    try:
        table = pd.read_csv(path)
        return {
            int(segment): str(name) for segment, name in zip(table["segment"], table["named"], strict=True)
        }
    except FileNotFoundError:
        raise SegError(
            f"names={path}: no such file; expected the matching.csv that seg migrate leaves"
        ) from None
    except (KeyError, ValueError) as error:
        raise SegError(
            f"names={path}: expected columns segment and named, as seg migrate leaves them ({error})"
        ) from None
