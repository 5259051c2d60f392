"""The files of an outlook: one page, its tables, and a score for each customer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from seg.outlook import page_tables
from seg.outlook.actions import POWER, SIGNIFICANCE
from seg.outlook.ahead import Outlook
from seg.outlook.coherent import TOTAL
from seg.outlook.customer_outlook import HorizonOutlook
from seg.outlook.monthly import MEASURES
from seg.outlook.segment_outlook import SegmentOutlook
from seg.report import page as report
from seg.report import plots
from seg.segments import formats
from seg.segments.formats import Locale
from seg.sinks import local_files as files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CUSTOMERS, PAGE = "customer_outlook.parquet", "outlook.html"


@dataclass(frozen=True)
class About:
    """What the page of an outlook says beside the outlook.

    Parameters
    ----------
    dataset, subtitle : str
        Name of the data set; the model that made the segments.
    locale : str
        Code of the locale of the numbers.
    currency : str or None
    """

    dataset: str
    subtitle: str
    locale: str = "en"
    currency: str | None = None


def write(outlook: Outlook, folder: Path, about: About) -> list[Path]:
    """Write an outlook into a directory.

    Parameters
    ----------
    outlook : Outlook
    folder : Path
    about : About

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
    return [*written, files.write(folder / PAGE, _page(outlook, about))]


def _page(outlook: Outlook, about: About) -> str:
    """Return the page: what is expected first, then what it is worth, then how far to trust it."""
    locale = formats.locale(about.locale)
    judged = {f"outlook: {one.sentence}" for one in _judged(outlook)}
    texts = [(level, text.removeprefix("outlook: ")) for level, text in outlook.notes if text not in judged]
    notes = [text for level, text in texts if level != "warning"]
    sections = [
        *_actions(outlook, locale, about.currency),
        *_trust(outlook, locale),
        *_forecasts(outlook, locale),
        *_shares(outlook, locale),
        *_reviews(outlook),
        *([("Notes", "On the data and the method.", notes)] if notes else []),
    ]
    return report.tables_page(
        f"{about.dataset}: outlook from {outlook.customers.day} on",
        about.subtitle,
        [text for level, text in texts if level == "warning"],
        sections,
        lead=page_tables.lead(outlook, locale, about.currency),
        locale=locale,
    )


def _judged(outlook: Outlook) -> list[HorizonOutlook]:
    return [one for one in outlook.customers.horizons if one.judgement is not None]


def _tables(outlook: Outlook) -> dict[str, pd.DataFrame]:
    judged = _judged(outlook)

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


def _actions(outlook: Outlook, locale: Locale, currency: str | None) -> list[tuple[str, str, object]]:
    if outlook.stakes is None:
        return []
    days = outlook.customers.value_days
    return [
        (
            "Value at stake",
            f"{outlook.meaning[0].upper()}{outlook.meaning[1:]}.",
            page_tables.stakes(outlook, locale, currency),
        ),
        (
            "What a test can show",
            f"Half of a segment gets the action, half does not; two-sided test at {SIGNIFICANCE:.0%} significance with {POWER:.0%} power. "
            f"Smallest growth: percentage points of the purchase rate within {days} days that the segment is large enough to show. "
            "Needed: customers in both halves together for a growth of 1, 2 and 5 percentage points.",
            page_tables.tests(outlook, locale),
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


def _trust(outlook: Outlook, locale: Locale) -> list[tuple[str, str, object]]:
    judged = _judged(outlook)
    if not judged:
        return []
    titles = {f"{one.horizon} days": one.judgement for one in judged}

    def picture() -> Figure:
        return plots.calibration(
            {title: one.calibration for title, one in titles.items()},
            {title: one.calibration_error for title, one in titles.items()},
        )

    sections = [
        (
            "How far to trust it",
            "The models forecast days that are over, without having seen them. Better: the 95 % interval of the difference to the "
            "yardstick, by bootstrap over customers, lies above zero.",
            page_tables.trust(judged, locale),
        ),
        (
            "Expected and observed",
            "Customers of the judged days, whom the models have not seen.",
            plots.in_locale(locale.code, picture),
        ),
    ]
    for one in judged:
        training = ", ".join(str(day) for day in one.plan.training)
        note = (
            f"Trained on the cuts {training}; in parentheses 95 % intervals. AUC: how well buyers are ranked before the others, 0.5 is "
            "chance. Brier score: squared error of the probability, smaller is better. Spend ratio: expected spend of all customers "
            "divided by what they spent."
        )
        sections.append(
            (
                f"The {one.horizon} days from {one.plan.judged} on",
                note,
                page_tables.scores(one.judgement, locale),
            )
        )
    return sections


def _forecasts(outlook: Outlook, locale: Locale) -> list[tuple[str, str, object]]:
    segments, sections = outlook.segments, []
    future, names, rhythm = segments.future(), segments.names, segments.rhythm
    for measure in MEASURES if segments.forecasts else ():
        panel = segments.forecasts[measure]
        past = segments.panel(measure)
        past[TOTAL] = past.sum(axis=1)
        shown = [one for one in past.columns if one != TOTAL and one not in segments.hidden]
        order = [names[TOTAL], *(names[one] for one in shown)]
        made_now = future[future["measure"] == measure]
        drawn = partial(plots.forecasts, past.rename(columns=names), made_now, measure, order, rhythm.name)
        note = (
            "Each segment has a forecast of its own, and the total is their sum."
            if panel.way == "summed"
            else f"The total is forecast, and each segment gets its share of the last {rhythm.recent} {rhythm.name}s."
        )
        sections.append(
            (
                f"{measure.capitalize()} by {rhythm.name}",
                f"{note} The segments add up to the total{_hidden(segments)}.",
                plots.in_locale(locale.code, drawn),
            )
        )
    if segments.forecasts:
        sections.append(
            (
                "Errors of the forecasts",
                f"Past {rhythm.name}s, forecast one to {rhythm.steps} {rhythm.name}s ahead from what was known then. Off by: mean absolute error as "
                f"a share of what came. MASE: the same error divided by the mean change from one {rhythm.name} to the next; beside it the "
                f"seasonal naive (the same {rhythm.name} of last year) on the same {rhythm.name}s. Inside: share of the {rhythm.name}s inside "
                "the interval; where it is far below 80 % or 95 %, read the interval as too narrow.",
                page_tables.errors(segments.errors(), locale),
            )
        )
    return sections


def _hidden(segments: SegmentOutlook) -> str:
    """Return the segments without a forecast of their own, for the end of a sentence."""
    names = [f"“{segments.names[segment]}”" for segment in segments.hidden]
    return (
        f", which also includes {', '.join(names)}: no forecast of their own, see the notes" if names else ""
    )


def _shares(outlook: Outlook, locale: Locale) -> list[tuple[str, str, object]]:
    shares = outlook.segments.shares
    if shares is None:
        return []
    names = outlook.segments.names
    matrix = shares.counts.rename(index=names, columns=names)
    drawn = partial(plots.movement, matrix, "a month before", "a month later")
    table = page_tables.shares(shares.shares.rename(columns=names), locale)
    return [
        (
            "Movement of a month",
            "All monthly steps of the history together.",
            plots.in_locale(locale.code, drawn),
        ),
        ("Shares of the segments to come", f"Share of the customers. The test: {shares.sentence}.", table),
    ]
