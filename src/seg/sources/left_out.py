"""What is lost with rows that cannot be read, and how much of it may be."""

from __future__ import annotations

from dataclasses import replace

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.engine import REJECT_COLUMNS, Engine
from seg.errors import SegError
from seg.sources import bad_rows as bad
from seg.sources.bad_rows import Counts, Faults


def set_aside(
    engine: Engine, faults: Faults, table: ir.Table, where: str, skip: bool, limit: float
) -> tuple[pd.DataFrame, Counts]:
    """Count bad rows and describe them.

    Parameters
    ----------
    engine : Engine
    faults : Faults
    table : ir.Table
        Typed columns and ``_faulty``.
    where : str
        Name of the files.
    skip : bool
        Whether bad rows may be left out.
    limit : float
        Largest share of the rows, and of the money, that may be left out, 0 to 1.

    Returns
    -------
    rejects : DataFrame with columns file, line, reason, text
    counts : Counts

    Raises
    ------
    SegError
        There is no row, or bad rows may not be left out.
    """
    raw = faults.raw
    count = engine.collect(table.aggregate(rows=table.count(), bad=table._faulty.sum().fill_null(0))).iloc[0]
    rows, malformed = int(count["rows"]), len(raw.rejects)
    counts = Counts(int(count["bad"]), rows, limit, skip)
    if not rows and not malformed:
        raise SegError(f"{where}: a header but no rows; expected at least one row of data")
    if not rows:
        raise bad.malformed(where, raw.rejects, rows, limit)
    listing = pd.DataFrame(columns=REJECT_COLUMNS)
    if counts.bad:
        most = None if counts.skip and counts.bad <= limit * rows else bad.SHOWN
        selected = bad.rows_where(raw, faults.fields, faults.by_field, most)
        listing = bad.described(engine.collect(selected), faults.fields, where)
        if not counts.skip or counts.bad > limit * rows or counts.bad == rows:
            raise bad.unreadable(engine, faults, listing, where, counts)
    if malformed > limit * (rows + malformed):
        raise bad.malformed(where, raw.rejects, rows, limit)
    rejects = [part for part in (raw.rejects, listing) if len(part)]
    rejects = pd.concat(rejects)[REJECT_COLUMNS].reset_index(drop=True) if rejects else listing
    _check_money(engine, table, counts, where)
    return rejects, replace(counts, rows=rows + malformed)


def _money(table: ir.Table) -> ir.Value | None:
    if "amount" in table.columns:
        return table.amount
    if {"quantity", "unit_price"} <= set(table.columns):
        return table.quantity * table.unit_price
    return table.revenue if "revenue" in table.columns else None


def _share_of_money(engine: Engine, table: ir.Table) -> float | None:
    """Return the share of the money that bad rows hold, as far as their amounts can be read; None without money."""
    money = _money(table)
    if money is None:
        return None
    texts = [table[name] for name, kind in table.schema().items() if kind.is_string()]
    totals = (
        ibis.or_(*(text.re_search(bad.TOTAL).fill_null(False) for text in texts))
        if texts
        else ibis.literal(False)
    )
    # What a line of totals holds is in the other lines already.
    value = (table._faulty & totals).ifelse(0.0, money.abs()).fill_null(0)
    sums = engine.collect(table.aggregate(all=value.sum(), bad=value.sum(where=table._faulty))).iloc[0]
    return float(sums["bad"] or 0) / float(sums["all"]) if sums["all"] and sums["all"] == sums["all"] else 0.0


def _check_money(engine: Engine, table: ir.Table, counts: Counts, where: str) -> None:
    if not counts.bad or counts.limit >= 1:
        return
    share = _share_of_money(engine, table)
    if share is not None and share > counts.limit:
        raise SegError(
            f"{where}: the {counts.bad:,} rows that cannot be read hold {share:.1%} of the money, more than "
            f"dataset.bad_rows_limit={counts.limit:g} allows to skip; run with dataset.bad_rows=fail to see them and correct them, or "
            "raise the limit"
        )


def lost(engine: Engine, table: ir.Table, rejects: pd.DataFrame, counts: Counts) -> list[tuple[str, str]]:
    """Return what was lost with the rows that were left out.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        All rows, with the flag ``_faulty``.
    rejects : DataFrame
        The rows that were left out.
    counts : Counts

    Returns
    -------
    list of (level, text)
        One note, or none where no row was left out.
    """
    if not len(rejects):
        return []
    lost = [f"{len(rejects) / counts.rows:.2%} of the rows"]
    if "customer_id" in table.columns:
        ids = engine.collect(
            table.aggregate(
                all=table.customer_id.nunique(),
                good=table._faulty.ifelse(ibis.null(), table.customer_id).nunique(),
            )
        ).iloc[0]
        gone = int(ids["all"] - ids["good"])
        lost.append(f"{gone:,} customers ({gone / max(int(ids['all']), 1):.2%})")
    share = _share_of_money(engine, table) if counts.bad else None
    if share is not None:
        lost.append(f"{share:.2%} of the money, as far as it could be read")
    return [
        (
            "warning",
            f"{len(rejects):,} rows could not be read and were left out (dataset.bad_rows=skip): {', '.join(lost)}; see bad_rows.csv",
        )
    ]
