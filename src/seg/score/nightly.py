"""What a scoring tells the program that started it: a summary, an exit code, and whether there is anything left to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seg.errors import SegError
from seg.metrics import drift

if TYPE_CHECKING:
    from seg.score.scorer import Scorer, Summary

FAIL_ON = ("none", "drift", "rejected")
ALERT = 3  # exit code where the answer is there and something about it is wrong


def summary_path(output: Path) -> Path:
    """Return where the summary of an output lies: beside it."""
    return output.with_name(f"{output.name.partition('.')[0]}.summary.json")


def check_exists(output: Path, if_exists: str) -> bool:
    """Return True if an output is there already and shall stay as it is.

    Raises
    ------
    SegError
        It is there, and shall not be; or it is a folder.
    """
    if output.is_dir():
        raise SegError(f"output={output}: is a folder; expected a file, such as {output / 'scored.parquet'}")
    if not output.exists() or if_exists == "replace":
        return False
    if if_exists == "skip":
        return True
    raise SegError(
        f"output={output}: already exists; choose another name, replace it with if_exists=replace, or leave it with if_exists=skip"
    )


def run_id(scorer: Scorer, day: str, inputs: Sequence[str]) -> str:
    """Return the id of a scoring: the same for the same model, day and input, so that doing it again replaces its rows.

    Parameters
    ----------
    scorer : Scorer
    day : str
        ISO.
    inputs : sequence of str
        Names of what was read.

    Returns
    -------
    str
        ``score-<data set>-<day>-<8 hexadecimal digits>``.
    """
    text = json.dumps([scorer.contract.dataset, scorer.label, day, list(inputs)])
    return f"score-{scorer.contract.dataset}-{day}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def summary(
    scorer: Scorer, scored: Summary, notes: Sequence[str], output: Path, day: str, extract: bool
) -> dict:
    """Return what a scoring came to, as plain values.

    Parameters
    ----------
    scorer : Scorer
    scored : Summary
    notes : sequence of str
    output : Path
    day : str
        That the scoring is of, ISO.
    extract : bool
        Whether the input looks like a part of the customers: their drift is then none of the population.
    """
    index, chance = scorer.share_index(scored.sizes)
    models = {int(one["segment"]): one["model"] for one in scorer.contract.segments if "model" in one}
    features = scored.features.table()
    verdicts = [*features["verdict"], drift.verdict(index, chance)]
    worst = next((one for one in ("changed", "moved", "unknown") if one in verdicts), "stable")
    return {
        "dataset": scorer.contract.dataset,
        "model": scorer.label,
        "day": day,
        "output": str(output),
        "customers": scored.customers,
        "rejected": scored.unplaced,
        "outside_training": scored.outside,
        "drift": "extract" if extract else worst,
        "share_psi": number(index),
        "share_psi_by_chance": number(chance),
        "features": [_feature(row) for row in features.itertuples()],
        "segments": [_segment(row, models) for row in scorer.shares(scored.sizes).itertuples(index=False)],
        "notes": list(notes),
    }


def _feature(row: tuple) -> dict:
    return {
        "feature": row.feature,
        "psi": number(row.psi),
        "by_chance": number(row.by_chance),
        "drift": row.verdict,
    }


def _segment(row: tuple, models: Mapping[int, str]) -> dict:
    return {
        "segment": int(row.segment),
        "name": row.name,
        **({"model": models.get(int(row.segment), "")} if models else {}),
        "customers": int(row.customers),
        "share": float(row.share),
        "share_in_training": float(row.training),
    }


def exit_code(scored: dict, fail_on: Sequence[str]) -> int:
    """Return 3 where what the user asked to fail on has happened, else 0."""
    failed = ("drift" in fail_on and scored["drift"] == "changed") or (
        "rejected" in fail_on and scored["rejected"] > 0
    )
    return ALERT if failed else 0


def parse_fail_on(text: str) -> list[str]:
    """Read ``fail_on=drift,rejected``.

    Raises
    ------
    SegError
        It names something else.
    """
    names = [name.strip() for name in text.strip("[]").split(",") if name.strip()]
    for name in names:
        if name not in FAIL_ON:
            raise SegError(f"fail_on={text}: expected some of {', '.join(FAIL_ON)}, with commas between them")
    return names


def number(value: float) -> float | None:
    """Return a number as JSON has it: None where it is missing."""
    return None if value != value else round(float(value), 6)
