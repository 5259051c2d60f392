"""All verdicts of a run in one line, for the first screen of its report."""

from __future__ import annotations

from collections.abc import Sequence

from seg.evaluation.verdicts import Verdict


def verdict_line(verdicts: Sequence[Verdict]) -> str:
    """Write which questions were answered with yes, with no, and how many are open.

    Parameters
    ----------
    verdicts : sequence of Verdict

    Returns
    -------
    str
        Such as "Evidence: identifiable, substantial; not stable; 2 questions were not measured."
    """
    if not verdicts:
        return ""
    answers = {
        passed: [one.criterion for one in verdicts if one.passed is passed] for passed in (True, False, None)
    }
    parts = [", ".join(answers[True])] if answers[True] else []
    parts += [f"not {name}" for name in answers[False]]
    open_ones = len(answers[None])
    if open_ones:
        parts.append(f"{open_ones} question{'' if open_ones == 1 else 's'} not measured")
    return f"Evidence: {'; '.join(parts)}."
