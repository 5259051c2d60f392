"""Compare the runs of a data set, and promote one of them.

    seg compare dataset=flo                        rank its runs, in the space that all of them share
    seg compare dataset=flo k=4 model=kmeans,gmm   only these
    seg compare dataset=flo html=compare.html      one page: figures side by side, agreement, filters
    seg compare promote run=3f2a81c0 why="stable over two winters"
    seg compare promote best=true dataset=flo      the best run by the stated order, if one qualifies
    seg compare promote run=multirun/2026-11-28/03-00-00 why="first"      the runs of a sweep, each of another data set
    seg compare champions                          who promoted which run, when and why

Options: dataset= (several with commas, or all), model=, recipe=, scaler=, cleaning=, engine=, k= and seed= choose runs (several with
commas), data= the first characters of a fingerprint, sort= another metric of the common space, pictures= how many runs the page shows
with figures (24), tracking.uri= and tracking.experiment= another store. To promote a flagged run or one on SAMPLE data, pass force=true.
"""

from __future__ import annotations

from collections.abc import Sequence

from seg.cli import options, own_end
from seg.errors import SegError, listed

ACTIONS = ("promote", "champions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, _command, arguments)


def _command(*arguments: str) -> int:
    first, *rest = arguments
    if first not in ACTIONS and "=" not in first and first != "--html":
        raise SegError(
            f"{first}: unknown; expected one of {listed(first, ACTIONS)}, or options such as dataset=flo"
        )
    # Late: it needs pandas and MLflow, which help and mistyped actions do not wait for.
    from seg.cli import compare_runs

    if first in ACTIONS:
        return getattr(compare_runs, first)(rest)
    return compare_runs.compare(arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
