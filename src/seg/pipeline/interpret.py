"""What a segmentation means for people: names and actions, rules, and rule-based RFM beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from seg.config.settings import Meaning
from seg.errors import Note, SegError
from seg.features.glossary import GLOSSARY
from seg.preparation.customer_groups import COMMON
from seg.preparation.prepare import Prepared
from seg.preparation.purchases import Purchases
from seg.segments import (
    bought,
    explain,
    matching,
    naming,
    outlook_rules,
    places,
    playbook,
    rfm,
    rfm_tables,
    together,
)
from seg.segments.explain import Explanation
from seg.segments.naming import Naming
from seg.segments.rfm_tables import RuleSegments
from seg.sinks.shared_files import ASSIGNMENTS

NOISE = -1


@dataclass(frozen=True)
class Buying:
    """What the segments buy, see `seg.segments.bought` and `seg.segments.together` for the tables."""

    months: dict[str, pd.DataFrame]
    items: pd.DataFrame
    tree: pd.DataFrame
    status: pd.DataFrame
    together: pd.DataFrame


@dataclass(frozen=True)
class Interpretation:
    """What people read about the segments.

    Parameters
    ----------
    naming : Naming
    explanation : Explanation
    rule_segments : RuleSegments or None
        None if the features have no recency, orders or revenue.
    buying : Buying or None
        None without order lines.
    notes : tuple of (level, text)
    """

    naming: Naming
    explanation: Explanation
    rule_segments: RuleSegments | None
    buying: Buying | None = None
    notes: tuple[Note, ...] = ()


def check(meaning: Meaning, provided: set[str]) -> None:
    """Check the playbook, the rules of RFM and the names, before any data is read.

    Parameters
    ----------
    meaning : Meaning
        Playbook, rules of RFM, own names and the seed.
    provided : set of str
        Columns that the data set provides.
    """
    playbook.parse(meaning.playbook.model_dump(), {*GLOSSARY, *provided})
    outlook_rules.parse(meaning.playbook.model_dump(), {*GLOSSARY, *provided})
    rfm.parse(meaning.rfm.model_dump())
    wrong = [segment for segment in meaning.segments.names if segment < 0]
    if wrong:
        raise SegError(f"segments.names: there is no segment {wrong[0]}; segments are numbered from 0")


def interpret(
    meaning: Meaning, prepared: Prepared, segmenter: object, segments: pd.DataFrame
) -> Interpretation:
    """Build the names, rules and rule-based RFM of the segments.

    Parameters
    ----------
    meaning : Meaning
        Playbook, rules of RFM, own names and the seed.
    prepared : Prepared
    segmenter : Segmenter
        Fitted on these customers. A clusterer that names its clusters (``names_``) is asked for the names.
    segments : DataFrame
        Profile, see `seg.segments.profile.profile`.
    """
    table = prepared.table
    frame, labels = table.frame, segmenter.labels_
    book = playbook.parse(meaning.playbook.model_dump(), {*GLOSSARY, *frame.columns})
    measured = measures(table.everything, labels, segments, book)
    model = None if prepared.groups is None else COMMON
    before = _names_of_run(meaning.segments.names_from, frame.index, labels, model)
    kept = _names_of_rules(segmenter) | before
    named = naming.name_segments(
        measured, book, noise=bool((labels == NOISE).any()), overrides=meaning.segments.names, kept=kept
    )
    levels = meaning.segments.rule_levels
    explained = explain.explain(frame, labels, named.names, table.features, levels, meaning.seed)
    rules = rfm_tables.rule_segments(
        table.everything, rfm.parse(meaning.rfm.model_dump()), labels, named.names
    )
    segment = pd.Series(labels, index=frame.index.astype(str))
    unknown = naming.unknown(book, measured.columns)
    return Interpretation(
        named,
        explained,
        rules,
        _buying(prepared.purchases, segment, named.names),
        () if unknown is None else (("info", unknown),),
    )


def _buying(purchases: Purchases | None, segment: pd.Series, names: Mapping[int, str]) -> Buying | None:
    if purchases is None:
        return None
    name = {"name": lambda table: table["segment"].map(names)}
    months = bought.by_month(purchases.months, segment)
    orders = months["orders"].sum(axis=1).to_dict()
    baskets = pd.DataFrame(columns=together.BASKETS) if purchases.baskets is None else purchases.baskets
    return Buying(
        months,
        bought.lift(purchases.items, segment, purchases.labels).assign(**name),
        bought.revenue_tree(purchases.months, segment).assign(**name),
        bought.status(purchases.months, segment).assign(**name),
        together.pairs(baskets, orders, segment, purchases.labels).assign(**name),
    )


def measures(
    frame: pd.DataFrame, labels: np.ndarray, segments: pd.DataFrame, book: playbook.Playbook
) -> pd.DataFrame:
    """Compute every measure that the playbook may ask for; of a table without orders its own columns.

    Parameters
    ----------
    frame : DataFrame
        Features, one row a customer.
    labels : ndarray of shape (n_customers,)
    segments : DataFrame
        ``segment``, ``share``, ``revenue_share``.
    book : Playbook
        Says which measures its rules ask for.

    Returns
    -------
    DataFrame
        One row a segment, one column a measure.
    """
    available = places.available(frame.columns)
    own = [] if {"recency", "frequency", "money"} & set(available) else list(frame.columns)
    table = places.places(frame, labels, [*available, *book.measures, *own])
    by_segment = segments.set_index("segment").reindex(table.index)
    size, money = by_segment["share"], by_segment["revenue_share"]
    return table.assign(
        **{places.SIZE: size, places.MONEY_SHARE: money, places.MONEY_EACH: money / (money + size)}
    )


def _names_of_rules(segmenter: object) -> dict[int, str]:
    """Return the names that a clusterer of rules gives its clusters."""
    named = getattr(segmenter.clusterer_, "names_", None)
    if not named:
        return {}
    return {segment: named[int(cluster)] for segment, cluster in enumerate(segmenter.order_)}


def _names_of_run(
    folder: str | None, customers: pd.Index, labels: np.ndarray, model: str | None
) -> dict[int, str]:
    """Return the names of an earlier run for the segments that are matched to its own by their customers.

    Of a run with one model a group, `model` picks the customers whom that model placed, and a new group keeps no names.
    """
    if folder is None:
        return {}
    before, names = _read_run(Path(folder).expanduser())
    if model is not None and "model" in before:
        before = before[before["model"] == model]
    both = customers.astype(str).intersection(before.index)
    if not len(both) and "model" in before:
        return {}
    if not len(both):
        raise SegError(
            f"segments.names_from={folder}: that run has no customer of this one; choose a run on the same customers"
        )
    now = pd.Series(labels, index=customers.astype(str))
    matched = matching.match(matching.overlap(before.loc[both, "segment"].to_numpy(), now[both].to_numpy()))
    return {new: names[old] for new, old in matched.items() if new != NOISE and old in names}


def _read_run(folder: Path) -> tuple[pd.DataFrame, Mapping[int, str]]:
    """Return the ``segment`` of each customer, of a run with one model a group also its ``model``, and the names of segments."""
    lacking = [name for name in (ASSIGNMENTS, "segments.csv") if not (folder / name).is_file()]
    if lacking:
        raise SegError(
            f"segments.names_from={folder}: expected the directory of a run; there is no {' and no '.join(lacking)}"
        )
    try:
        path = folder / ASSIGNMENTS
        grouped = ["model"] if "model" in pq.read_schema(path).names else []
        assigned = pd.read_parquet(path, columns=["customer_id", "segment", *grouped]).set_index(
            "customer_id"
        )
        table = pd.read_csv(folder / "segments.csv", usecols=["segment", "name"])
    except (OSError, ValueError, KeyError) as error:
        raise SegError(
            f"segments.names_from={folder}: expected the directory of a run, with {ASSIGNMENTS} and segments.csv ({error})"
        ) from None
    names = {int(one): str(name) for one, name in zip(table["segment"], table["name"], strict=True)}
    return assigned.set_index(assigned.index.astype(str)), names
