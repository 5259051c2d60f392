"""The part of `scoring.json` that may leave the directory of a run: no value and no count that belongs to a few customers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def inner_bounds(frame: pd.DataFrame, min_cell: int) -> dict[str, list[float]]:
    """Return for each feature the values that at least `min_cell` customers reach, at both ends.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
    min_cell : int
        1 or less: the least and the greatest value.

    >>> inner_bounds(pd.DataFrame({"orders": [1, 2, 3, 4, 50]}), 2)
    {'orders': [2.0, 4.0]}
    """
    place = min(max(min_cell, 1) - 1, (len(frame) - 1) // 2)  # of few customers the median
    ordered = {name: np.sort(frame[name].to_numpy(dtype="float64")) for name in frame}
    return {name: [float(one[place]), float(one[len(one) - 1 - place])] for name, one in ordered.items()}


def shared_card(card: Mapping, merged: Mapping[int, int], min_cell: int) -> dict:
    """Coarsen what scoring needs of a training.

    Parameters
    ----------
    card : mapping
        Content of `scoring.json`.
    merged : mapping of int to int
        Segments that are too small, as `merged_segments` returns them: they share their customers evenly.
    min_cell : int
        Fewest customers that a value or a count may belong to.

    Returns
    -------
    dict
        Quantiles lie within the values that `min_cell` customers reach; neighbouring cells with fewer are one.
    """
    if min_cell <= 1:
        return dict(card)
    bounds = card["inner"]
    ranges = {
        name: {share: float(np.clip(value, *bounds[name])) for share, value in quantiles.items()}
        for name, quantiles in card["ranges"].items()
    }
    cells = {
        name: merged_cells(one["edges"], one["counts"], min_cell)
        for name, one in card.get("cells", {}).items()
    }
    shown = {"ranges": ranges, "cells": cells, "segments": _evened(card["segments"], merged), "inner": {}}
    if card.get("groups"):  # a card for each model; their segments have no sizes of their own
        cards = {name: shared_card(one, {}, min_cell) for name, one in card["groups"]["cards"].items()}
        shown["groups"] = {**card["groups"], "cards": cards}
    return {**card, **shown}


def merged_cells(edges: list, counts: list, min_cell: int) -> dict[str, list]:
    """Merge each cell of fewer customers with the next one, the last with the one before; empty cells stay.

    >>> merged_cells([1.0, 2.0, 3.0], [2, 9, 8, 1], 5)
    {'edges': [2.0], 'counts': [11, 9]}
    """
    kept_edges, kept, running = [], [], 0
    for place, count in enumerate(counts):
        running += count
        if place < len(edges) and (running == 0 or running >= min_cell):
            kept_edges.append(edges[place])
            kept.append(running)
            running = 0
    kept.append(running)
    while kept_edges and 0 < kept[-1] < min_cell:
        kept_edges.pop()
        last = kept.pop()
        kept[-1] += last
    return {"edges": kept_edges, "counts": kept}


def _evened(segments: list[dict], merged: Mapping[int, int]) -> list[dict]:
    """Spread the customers of small segments evenly over them: what remains is their number together."""
    small = [row for row in segments if int(row["segment"]) in merged]
    if not small:
        return list(segments)
    size, more = divmod(sum(int(row["size"]) for row in small), len(small))
    share = sum(float(row["share"]) for row in small) / len(small)
    sizes = {int(row["segment"]): size + (place < more) for place, row in enumerate(small)}
    return [
        {**row, "size": sizes[int(row["segment"])], "share": share} if int(row["segment"]) in sizes else row
        for row in segments
    ]
