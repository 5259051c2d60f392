"""The files of an outlook: one page, its tables, and a score for each customer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from seg.outlook.actions import POWER, SIGNIFICANCE
from seg.outlook.ahead import Outlook
from seg.outlook.coherent import TOTAL
from seg.outlook.monthly import MEASURES
from seg.report import page as report
from seg.report import plots
from seg.sinks import local_files as files

CUSTOMERS, PAGE = "customer_outlook.parquet", "outlook.html"
# What readers of the page see; the CSV files keep the names of columns.
HEADINGS = {
    "purchase_rate": "expected to buy", "lost_rate": "expected to be lost", "expected_spend": "expected spend", "usual_spend": "usual spend",
    "value_at_stake": "value at stake", "likely_anyway": "likely to buy anyway", "smallest_lift": "smallest lift",
    "needed_for_1_points": "needed for 1 point", "needed_for_2_points": "needed for 2 points", "needed_for_5_points": "needed for 5 points",
    "mase": "MASE", "mase_seasonal_naive": "MASE of the seasonal naive", "coverage_80": "inside the 80 % interval",
    "coverage_95": "inside the 95 % interval", "judged": "forecasts judged",
}  # fmt: skip


def write(outlook: Outlook, folder: Path, title: str, subtitle: str) -> list[Path]:
    """Write an outlook into a directory.

    Parameters
    ----------
    outlook : Outlook
    folder : Path
    title, subtitle : str
        Of the page.

    Returns
    -------
    list of Path
        Written files; the first holds customer ids.
    """
    scores = outlook.customers.scores.reset_index().astype({"customer_id": "str"})
    written = [files.write_parquet(folder / CUSTOMERS, scores)]
    for name, table in _tables(outlook).items():
        if len(table):
            written.append(files.write_csv(folder / f"{name}.csv", table))
    notes = [text.removeprefix("outlook: ") for _level, text in outlook.notes]
    sections = [
        (head, note, part.rename(columns=HEADINGS) if isinstance(part, pd.DataFrame) else part)
        for head, note, part in _sections(outlook)
    ]
    page = report.tables_page(title, subtitle, notes, sections)
    return [*written, files.write(folder / PAGE, page)]


def _tables(outlook: Outlook) -> dict[str, pd.DataFrame]:
    judged = [one for one in outlook.customers.horizons if one.judgement is not None]

    def gathered(part: str) -> pd.DataFrame:
        frames = [
            getattr(one.judgement, part).assign(horizon=one.horizon, cut=one.plan.judged) for one in judged
        ]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    empty = pd.DataFrame()
    shares = outlook.segments.shares
    names, weeks = outlook.segments.names, outlook.segments.weeks
    return {
        "outlook_scores": gathered("scores"),
        "outlook_differences": gathered("differences"),
        "outlook_calibration": gathered("calibration"),
        "value_at_stake": empty if outlook.stakes is None else outlook.stakes,
        "ab_test_sizes": empty if outlook.tests is None else outlook.tests,
        "forecast": outlook.segments.future(),
        "forecast_errors": outlook.segments.errors(),
        "share_forecast": empty if shares is None else shares.shares.rename(columns=names),
        "review_segments": empty if outlook.reviews is None else outlook.reviews.segments,
        "review_months": empty if outlook.reviews is None else outlook.reviews.months,
        "review_words": empty if outlook.reviews is None else outlook.reviews.words,
        "review_languages": empty if outlook.reviews is None else outlook.reviews.languages,
        "monthly": outlook.segments.history.activity.replace({"segment": names}),
        "weekly": empty if weeks is None else weeks.activity.replace({"segment": names}),
    }


def _sections(outlook: Outlook) -> list[tuple[str, str, object]]:
    return [
        *_actions(outlook),
        *_judged(outlook),
        *_forecasts(outlook),
        *_shares(outlook),
        *_reviews(outlook),
    ]


def _actions(outlook: Outlook) -> list[tuple[str, str, object]]:
    if outlook.stakes is None:
        return []
    days = outlook.customers.value_days
    return [
        (
            "Value at stake",
            f"{outlook.meaning[0].upper()}{outlook.meaning[1:]}.",
            outlook.stakes.drop(columns="segment"),
        ),
        (
            "What a test can show",
            f"Half of a segment gets the action, half does not; two-sided test at {SIGNIFICANCE:.0%} significance with {POWER:.0%} power. "
            f"Smallest lift: growth of the purchase rate within {days} days (share of 1) that the segment is large enough to show. "
            "Needed: customers in both halves together for a lift of so many percentage points.",
            outlook.tests,
        ),
    ]


def _reviews(outlook: Outlook) -> list[tuple[str, str, object]]:
    reviews = outlook.reviews
    if reviews is None:
        return []
    months = reviews.months.tail(24).round(2)
    return [
        (
            "Reviews by segment",
            f"{reviews.sentence}. Sentiment: -1 (negative) to 1 (positive).",
            reviews.segments.round(3),
        ),
        ("Reviews by month", "The last 24 months with a review.", months),
        (
            "Words that set a segment apart",
            "z above 1.96: used more often than by the other segments.",
            reviews.words.round(1),
        ),
    ]


def _judged(outlook: Outlook) -> list[tuple[str, str, object]]:
    judged = [one for one in outlook.customers.horizons if one.judgement is not None]
    if not judged:
        return []
    titles = {f"{one.horizon} days": one.judgement for one in judged}
    picture = plots.calibration(
        {title: one.calibration for title, one in titles.items()},
        {title: one.calibration_error for title, one in titles.items()},
    )
    sections = [
        (
            "Expected and observed",
            "Customers of the judged cut, whom the models have not seen.",
            plots.png(picture),
        )
    ]
    for one in judged:
        training = ", ".join(str(day) for day in one.plan.training)
        note = (
            f"{one.sentence}. Trained on the cuts {training}; intervals are 95 %, by bootstrap over customers. Spend ratio: expected spend of "
            "all customers divided by what they spent."
        )
        sections.append(
            (f"The {one.horizon} days from {one.plan.judged} on", note, _readable(one.judgement.scores))
        )
    return sections


def _readable(scores: pd.DataFrame) -> pd.DataFrame:
    """Put each measure and its interval into one column."""
    shown = pd.DataFrame({"forecast": scores["name"]})
    for name, title, digits in (
        ("auc", "AUC", 3),
        ("brier", "Brier score", 3),
        ("spend_r2", "R squared of spend", 2),
        ("spend_mae", "mean absolute error of spend", 0),
    ):
        columns = zip(scores[name], scores[f"{name}_low"], scores[f"{name}_high"], strict=True)
        shown[title] = [
            f"{value:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})" for value, low, high in columns
        ]
    return shown.assign(
        **{
            "expected rate": scores["mean_probability"].round(3),
            "spend ratio": scores["spend_ratio"].round(2),
        }
    )


def _forecasts(outlook: Outlook) -> list[tuple[str, str, object]]:
    segments, sections = outlook.segments, []
    future, names, rhythm = segments.future(), segments.names, segments.rhythm
    for measure in MEASURES if segments.forecasts else ():
        panel = segments.forecasts[measure]
        past = segments.panel(measure)
        past[TOTAL] = past.sum(axis=1)
        order = [names[TOTAL], *(names[one] for one in past.columns if one != TOTAL)]
        made_now = future[future["measure"] == measure]
        chart = plots.forecasts(past.rename(columns=names), made_now, measure, order, rhythm.name)
        note = (
            "Each segment has a forecast of its own, and the total is their sum."
            if panel.way == "summed"
            else f"The total is forecast, and each segment gets its share of the last {rhythm.recent} {rhythm.name}s."
        )
        sections.append(
            (
                f"{measure.capitalize()} by {rhythm.name}",
                f"{note} The segments add up to the total.",
                plots.png(chart),
            )
        )
    if segments.forecasts:
        sections.append(
            (
                "Errors of the forecasts",
                f"Rolling origin, one to {rhythm.steps} {rhythm.name}s ahead. MASE: mean absolute error divided by the mean change from one "
                f"{rhythm.name} to the next; beside it the seasonal naive (the same {rhythm.name} of last year) on the same "
                f"{rhythm.name}s. Coverage: share of the {rhythm.name}s inside the interval.",
                segments.errors().round(2),
            )
        )
    return sections


def _shares(outlook: Outlook) -> list[tuple[str, str, object]]:
    shares = outlook.segments.shares
    if shares is None:
        return []
    names = outlook.segments.names
    matrix = shares.counts.rename(index=names, columns=names)
    picture = plots.movement(matrix, "a month before", "a month later")
    table = (shares.shares.rename(columns=names) * 100).round(1)
    table.insert(0, "months from today", range(len(table)))
    return [
        ("Movement of a month", "All monthly steps of the history together.", plots.png(picture)),
        ("Shares of the segments to come", f"Percent of the customers. The test: {shares.sentence}.", table),
    ]
