"""Who moved from which segment to which, between two days or between two models.

    seg migrate model=models:/seg-online_retail@champion from=2011-06-30 to=2011-09-30
    seg migrate model=models:/seg-flo/3 to_model=models:/seg-flo@champion

Between two days, one model places the customers as they were at the end of each day: from orders up to that day only, with recency
counted as in training. Between two models, both place the same customers, and the new segments are matched to the old ones by the
customers they share (Hungarian method), so that names stay.

model, to_model   models:/seg-flo@champion, models:/seg-flo/3, runs:/<run id>/model, a run id or its first characters,
                  or a run directory
from, to          the two days; with to_model, `to` alone is the day at which both models look (default: the end of the data)
steps             month, week, quarter or none: how often to look between the two days, for the date of each change
trust             true loads a model or a configuration that may run code; only from where you would run a program from
output            a directory (default: runs/...); force=true replaces an existing one
if_exists         fail, skip or replace an existing output: a command that runs every night is safe to repeat
fail_on           drift: exit code 3 if shares or features have changed between the two days
json              true (or --json) prints the summary as JSON, which is also written as summary.json
log               json writes the lines of progress as JSON; the last one is the summary
each              brand_a,brand_b: the names that {name} in other options stands for; without it, those of the files that match
                  dataset.path=orders/{name}.csv
track             false does not log the migration; with a model from MLflow it is a run there, and a point on curves over time
sink              parquet, postgres, ... writes the movement to a sink too, see seg export --help

Leaves summary.json, movement.html, movement.png, transitions.csv, customers.parquet, drift.csv and shares.csv (between two models: matching.csv
instead of the last two). Options of seg run for the data can be added: dataset.path=orders.csv, engine=spark, tracking.uri=...
Online Retail takes about fifteen seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from seg.cli import for_each, options, own_end
from seg.errors import SegError, listed

OWN = {
    "model": None,
    "to_model": None,
    "from": None,
    "to": None,
    "steps": "month",
    "output": None,
    "force": "false",
    "trust": "false",
    "if_exists": "fail",
    "fail_on": "none",
    "json": "false",
    "log": "text",
    "track": "true",
}
SWITCH = ("true", "false")
CHOICES = {
    "force": SWITCH,
    "trust": SWITCH,
    "json": SWITCH,
    "track": SWITCH,
    "log": ("text", "json"),
    "if_exists": ("fail", "skip", "replace"),
    "fail_on": ("none", "drift"),
}
STEPS = ("month", "week", "quarter", "none")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, for_each.named(_command), arguments)


def _command(*arguments: str) -> int:
    own, overrides = options.options(["json=true" if one == "--json" else one for one in arguments], OWN)
    start, end = _check(own)
    # Late: it needs the engine and the models, which mistakes in the options do not wait for.
    from seg.cli import migrate_customers

    return migrate_customers.migrate(own, overrides, start, end)


def _check(own: dict[str, str | None]) -> tuple[date | None, date | None]:
    """Return the two days; raise a `SegError` for options that are missing or contradict each other."""
    if not own["model"]:
        raise SegError("model=... is required; see seg migrate --help")
    if own["steps"] not in STEPS:
        raise SegError(f"steps={own['steps']}: expected one of {listed(own['steps'], STEPS)}")
    options.check_choices(own, CHOICES)
    if own["to_model"] and own["fail_on"] != "none":
        raise SegError("fail_on=drift: only between two days; leave it out, or leave out to_model")
    days = {}
    for key in ("from", "to"):
        try:
            days[key] = date.fromisoformat(own[key]) if own[key] else None
        except ValueError:
            raise SegError(f"{key}={own[key]}: expected a day such as 2011-06-30") from None
    if own["to_model"] and own["from"]:
        raise SegError("from and to_model: compare either two days or two models; leave one of them out")
    missing = [key for key in ("from", "to") if days[key] is None]
    if missing and not own["to_model"]:
        raise SegError(f"{missing[0]}=... is required: expected two days, or another model (to_model=...)")
    return days["from"], days["to"]


if __name__ == "__main__":
    own_end.run_alone(main)
