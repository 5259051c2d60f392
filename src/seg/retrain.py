"""Train a model again on today's data, compare it with the champion, and promote it if it is not worse.

    seg retrain model=models:/seg-brand_a@champion dataset.path=orders/brand_a.csv
    seg retrain model=models:/seg-brand_a@champion dataset.path=orders/brand_a.csv promote=true fail_on=refused

The challenger has the configuration of the champion and is fitted to the data as they are now. Its segments are matched to those of the
champion by the customers they share, so that names stay. Both models are judged on the same customers: by what these bought in the
last days of the data (the deviance that the segments explain, with a 95 % interval of the difference), for a table of customers by the
silhouette. The challenger must also pass the gates of seg compare: no flag, stable, better than noise, not worse than rule-based RFM.
A model with one model for each group (by=...) is trained again as a whole; it may be promoted if it is not worse over all customers,
worse in no group and flagged in none (by_group.csv).

model     models:/seg-brand_a@champion, a version, a run id or a run directory
promote   true makes the challenger the champion, if it passes the gates and is not worse; who, when and why is kept (seg compare champions)
fail_on   refused: exit code 3 if the challenger may not be promoted
json      true (or --json) prints the summary as JSON, which is also written as summary.json
log       json writes the lines of progress as JSON; the last one is the summary
trust     true loads a model or a configuration that may run code; only from where you would run a program from
each      brand_a,brand_b: the names that {name} in other options stands for; without it, those of the files that match
          dataset.path=orders/{name}.csv
output    a directory (default: runs/...); force=true replaces an existing one

Options of seg run for the data can be added: dataset.path=..., engine=spark, tracking.uri=..., sink=... The directory holds summary.json, matching.csv, the
challenger's run (run/) and the champion's segments of today's customers (champion/). Takes about as long as a run with all evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from seg.cli import for_each, options, own_end
from seg.errors import SegError

OWN = {
    "model": None,
    "promote": "false",
    "fail_on": "none",
    "json": "false",
    "log": "text",
    "trust": "false",
    "output": None,
    "force": "false",
}
SWITCH = ("true", "false")
CHOICES = {
    "promote": SWITCH,
    "json": SWITCH,
    "trust": SWITCH,
    "force": SWITCH,
    "log": ("text", "json"),
    "fail_on": ("none", "refused"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, for_each.named(_command), arguments)


def _command(*arguments: str) -> int:
    own, overrides = options.options(["json=true" if one == "--json" else one for one in arguments], OWN)
    if not own["model"]:
        raise SegError("model=... is required; see seg retrain --help")
    options.check_choices(own, CHOICES)
    # Late: it needs the engine and the models, which mistakes in the options do not wait for.
    from seg.cli import retrain_model

    return retrain_model.retrain(own, overrides)


if __name__ == "__main__":
    own_end.run_alone(main)
