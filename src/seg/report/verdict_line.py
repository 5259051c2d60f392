"""All verdicts of a run in one line of everyday words, for the first screen of its report."""

from __future__ import annotations

from collections.abc import Sequence

from seg.evaluation.verdicts import RULES, Verdict

# What a yes and a no to each question mean for a reader who does not know the measures.
WORDS = {
    "identifiable": ("stand apart", "hardly stand apart"),
    "substantial": ("are large enough", "are too small or too large"),
    "stable": ("come back in samples", "do not come back in samples"),
    "better than noise": ("are clearer than in random data", "are no clearer than in random data"),
    "predictive": ("predict what customers do next", "do not predict what customers do next"),
}
UNCLEAR_K = "no clear number of segments"


def verdict_line(verdicts: Sequence[Verdict], k_reason: str = "") -> str:
    """Write which questions were answered with yes, with no, and how many are open.

    Parameters
    ----------
    verdicts : sequence of Verdict
    k_reason : str
        Why there are so many segments; it begins with "no clear k" where the data have no clear number.

    Returns
    -------
    str
        Such as "Evidence: the segments stand apart and are large enough, but do not come back in samples; 2 questions not measured."
    """
    if not verdicts:
        return ""
    answers = {passed: [_words(one) for one in verdicts if one.passed is passed] for passed in (True, False)}
    parts = []
    if answers[True]:
        parts.append(f"the segments {_joined(answers[True])}")
    if answers[False]:
        against = _joined(answers[False])
        parts = [f"{parts[0]}, but {against}" if parts else f"the segments {against}"]
    if k_reason.startswith("no clear k"):
        parts.append(UNCLEAR_K)
    n_open = sum(one.passed is None for one in verdicts)
    if n_open:
        parts.append(f"{n_open} question{'' if n_open == 1 else 's'} not measured")
    return f"Evidence: {'; '.join(parts)}."


def _joined(answers: Sequence[str]) -> str:
    *first, last = answers
    return f"{', '.join(first)} and {last}" if first else last


def _words(verdict: Verdict) -> str:
    """Return the answer to one question; of a hold-out how the segments compare with rule-based RFM."""
    compared, told, _numbers = verdict.number.partition(f" {RULES}: ")
    if verdict.criterion == "predictive" and told:
        against = {"as good as": "as well as", "worse than": "worse than"}.get(compared, "better than")
        return f"predict {against} rule-based RFM"
    yes, no = WORDS.get(verdict.criterion, (verdict.criterion, f"not {verdict.criterion}"))
    return yes if verdict.passed else no
