"""What each customer and each segment will do next, by a segmentation model and the orders of its data set.

    seg outlook model=runs/2026-11-22/19-04-02-online_retail
    seg outlook model=models:/seg-online_retail@champion input=orders.csv output=outlook/

model      models:/seg-flo@champion, models:/seg-flo/3, runs:/<run id>/model, a run id or its first characters, or the
           directory of a run
input      rows as the model's data set has them; those of the data set when left out
output     a directory, runs/... when left out; force=true replaces what is there
horizons   days ahead, with commas (30,90,180)
cut        first day of the outcome that the models are judged on; the newest complete one of each horizon when left out

Leaves outlook.html, customer_outlook.parquet (probability to buy, expected spend and probability of being lost of each
customer) and the tables of the page as CSV. Further options are those of a run for the data and the outlook:
dataset.path=orders.csv, engine=spark, outlook.months=12, outlook.classical=false. A year of Online Retail takes about
half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence

from seg.cli import options, own_end
from seg.errors import SegError

OWN = {"model": None, "input": None, "output": None, "horizons": None, "cut": None, "force": "false"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, _outlook, arguments)


def _outlook(*arguments: str) -> int:
    own, overrides = options.options(arguments, OWN)
    if not own["model"]:
        raise SegError("model=... is required; see seg outlook --help")
    # Late: it needs the engine and the models, which mistakes in the options do not wait for.
    from seg.cli import outlook_customers

    return outlook_customers.outlook(own, overrides)


if __name__ == "__main__":
    own_end.run_alone(main)
