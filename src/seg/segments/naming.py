"""Names for segments: the first rule of a playbook that holds, and never one name twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from seg.errors import SegError
from seg.segments.places import MEASURES, NOISE, OF_SEGMENT, words
from seg.segments.playbook import Box, Playbook, Rule

NOISE_NAME = "noise"
TELLING = 0.03  # difference of two places that is worth a name
TYPICAL = 0.06  # a segment that lies nearer to the middle on every measure is average
# Shares of customers, whose middle is not 0.5 and whose words are long.
_UNREADABLE = [name for name, one in MEASURES.items() if one.kind not in ("place", "share")]
HOW = {
    "holds": "the first rule that holds",
    "near": "the nearest rule, no rule that holds was free",
    "variant": "a rule that holds but whose name is taken, told apart by what differs most",
    "described": "no rule holds: named after what sets it apart",
    "set": "set by you",
    "kept": "kept from the run before",
    "number": "no playbook",
    NOISE_NAME: "customers in no segment",
}


@dataclass(frozen=True)
class Naming:
    """Names, and how they came about.

    Parameters
    ----------
    names : dict of int to str
        Name of each segment; noise (-1) is named `NOISE_NAME`.
    rules : dict of int to Rule
        The rule whose actions hold for a segment; a segment without one is left out.
    table : DataFrame
        One row a segment: ``segment``, ``name``, ``rule``, ``how``, ``because``, and of the rule that came next ``next_rule``,
        ``next_distance`` (0: it holds too) and ``next_needs``.
    """

    names: dict[int, str]
    rules: dict[int, Rule] = field(default_factory=dict)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def described(self) -> pd.DataFrame:
        """Return `table` with ``sentence``, what the customers have in common, and ``actions``, one a line."""
        rules = [self.rules.get(int(segment)) for segment in self.table["segment"]]
        return self.table.assign(
            sentence=["" if rule is None else rule.says for rule in rules],
            actions=["" if rule is None else "\n".join(one.do for one in rule.actions) for rule in rules],
        )


def name_segments(
    places: pd.DataFrame,
    playbook: Playbook,
    noise: bool = False,
    overrides: Mapping[int, str] | None = None,
    kept: Mapping[int, str] | None = None,
) -> Naming:
    """Assign a name to every segment.

    Parameters
    ----------
    places : DataFrame, index segment
        Measures from 0 to 1, see `seg.segments.places.places`.
    playbook : Playbook
    noise : bool
        Whether some customers are in no segment.
    overrides, kept : mapping of int to str, optional
        Names set by the user, and names of an earlier run; the user's win.

    Raises
    ------
    SegError
        A name is for a segment that does not exist, or two segments would have one name.

    Notes
    -----
    Segments ask for rules in the order of the playbook, and a rule goes to the segment that lies deepest inside its
    conditions (deferred acceptance, Gale and Shapley 1962): the result does not depend on the order of the segments.
    """
    segments = [int(segment) for segment in places.index]
    fixed = _fixed(segments, kept or {}, overrides or {})
    rated = {segment: _rated(places.loc[segment], playbook) for segment in segments}
    matched = _match(rated, playbook, fixed)
    names = {segment: name for segment, (name, _how) in fixed.items()}
    hows = {segment: how for segment, (_name, how) in fixed.items()}
    for segment, rule in matched.items():
        names[segment] = rule.name
        hows[segment] = "holds" if rated[segment][rule.name].distance == 0 else "near"
    for segment in segments:
        if segment not in names:
            names[segment], hows[segment] = _otherwise(segment, places, playbook, rated, names)
    rules = {segment: _rule_of(names[segment], segment, playbook, rated) for segment in segments}
    rules = {one: rule.fitting(_measured(places.loc[one])) for one, rule in rules.items() if rule is not None}
    rows = [_row(one, names[one], hows[one], rules.get(one), rated[one]) for one in segments]
    if noise:
        names[NOISE] = NOISE_NAME
        rows.append((NOISE, NOISE_NAME, "", HOW[NOISE_NAME], "", "", np.nan, ""))
    columns = ["segment", "name", "rule", "how", "because", "next_rule", "next_distance", "next_needs"]
    ordered = {one: names[one] for one in sorted(names, key=lambda one: (one < 0, one))}
    return Naming(ordered, rules, pd.DataFrame(rows, columns=columns))


def unknown(playbook: Playbook, measured: Iterable[str]) -> str | None:
    """Return what follows for the names where the data do not tell every measure of a playbook; None where they do.

    Parameters
    ----------
    playbook : Playbook
    measured : iterable of str
        Measures of the segments.
    """
    known = {*measured, *OF_SEGMENT}
    lacking = sorted(set(playbook.measures) - known)
    if not lacking:
        return None
    passed = [rule.name for rule in playbook.rules if not any(set(box) <= known for box in rule.boxes)]
    where = f"playbook={playbook.name}: this data set does not tell"
    if len(passed) == len(playbook.rules):
        return f"{where} what any of the rules asks for; segments are named after what sets them apart, and have no actions"
    listed = f"passed over: {', '.join(passed)}" if passed else "conditions with them are ignored"
    return f"{where} {', '.join(lacking)}; {listed}"


@dataclass(frozen=True)
class _Fit:
    """How a rule fits a segment: `distance` outside its ranges in all (0: it holds), `margin` to the nearest edge."""

    distance: float
    margin: float
    because: str


def _fixed(
    segments: Sequence[int], kept: Mapping[int, str], overrides: Mapping[int, str]
) -> dict[int, tuple[str, str]]:
    unknown = sorted(set(overrides) - set(segments))
    if unknown:
        raise SegError(
            f"segments.names: there is no segment {unknown[0]} ({overrides[unknown[0]]}); this run has segments "
            f"{', '.join(map(str, segments))}"
        )
    fixed = {segment: (name, "kept") for segment, name in kept.items() if segment in segments}
    fixed |= {segment: (str(name).strip(), "set") for segment, name in overrides.items()}
    segment_of: dict[str, int] = {}
    for segment in sorted(overrides):
        name = fixed[segment][0]
        if not name or name.casefold() == NOISE_NAME:
            raise SegError(f"segments.names: segment {segment} is named {name!r}; expected a name of its own")
        if name.casefold() in segment_of:
            raise SegError(
                f"segments.names: segments {segment_of[name.casefold()]} and {segment} are both named {name}; give each its own name"
            )
        segment_of[name.casefold()] = segment
    return {one: entry for one, entry in fixed.items() if segment_of.get(entry[0].casefold(), one) == one}


def _rated(places: pd.Series, playbook: Playbook) -> dict[str, _Fit]:
    """Rate every rule whose measures are known for a segment."""
    measured, rated = _measured(places), {}
    for rule in playbook.rules:
        if rule.is_excluded(measured):
            continue
        fits = [_fit(measured, box) for box in rule.boxes if set(box) <= set(measured)]
        if fits:
            best = min(fits, key=lambda fit: (fit.distance, -fit.margin))
            checked = [
                f"{one} {measured[one]:.2f} (not {_range(rule.unless[one])})"
                for one in rule.unless
                if one in measured
            ]
            rated[rule.name] = replace(best, because="; ".join([best.because, *checked]))
    return rated


def _measured(places: pd.Series) -> dict[str, float]:
    return {name: float(value) for name, value in places.items() if np.isfinite(value)}


def _fit(measured: Mapping[str, float], box: Box) -> _Fit:
    distance, margin, texts = 0.0, np.inf, []
    for measure, (low, high) in box.items():
        value = measured[measure]
        texts.append(f"{measure} {value:.2f} ({_range((low, high))})")
        distance += max(low - value, 0.0) + max(value - high, 0.0)
        # An end of the scale is no edge: nothing lies beyond it.
        margin = min(margin, value - low if low > 0 else np.inf, high - value if high < 1 else np.inf)
    return _Fit(distance, margin, "; ".join(texts))


def _match(
    rated: Mapping[int, Mapping[str, _Fit]], playbook: Playbook, fixed: Mapping[int, tuple[str, str]]
) -> dict[int, Rule]:
    taken = {name.casefold() for name, _how in fixed.values()}
    wanted = {
        segment: [name for name in _preferred(fits, playbook) if name.casefold() not in taken]
        for segment, fits in rated.items()
        if segment not in fixed
    }
    holders: dict[str, int] = {}
    waiting = sorted(wanted)
    while waiting:
        segment = waiting.pop(0)
        while wanted[segment]:
            name = wanted[segment].pop(0)
            holder = holders.get(name)
            if holder is None or _before(rated[segment][name], segment, rated[holder][name], holder):
                holders[name] = segment
                waiting += [holder] if holder is not None else []
                break
    return {segment: playbook.rule(name) for name, segment in holders.items()}


def _preferred(fits: Mapping[str, _Fit], playbook: Playbook) -> list[str]:
    """List rules that hold in the order of the playbook, then those that nearly hold, nearest first."""
    holds = [name for name, fit in fits.items() if fit.distance == 0]
    near = [name for name, fit in fits.items() if 0 < fit.distance <= playbook.within]
    return holds + sorted(near, key=lambda name: fits[name].distance)


def _before(fit: _Fit, segment: int, other: _Fit, holder: int) -> bool:
    return (fit.distance, -fit.margin, segment) < (other.distance, -other.margin, holder)


def _otherwise(
    segment: int,
    places: pd.DataFrame,
    playbook: Playbook,
    rated: Mapping[int, Mapping[str, _Fit]],
    names: Mapping[int, str],
) -> tuple[str, str]:
    """Return the name of a segment that no rule fits: a variant of the first that holds, else what sets it apart from all customers."""
    if not playbook.rules:
        return _unused(f"segment {segment}", names), "number"
    own = places.loc[segment].drop([*OF_SEGMENT], errors="ignore")
    for name in (name for name in _preferred(rated[segment], playbook) if rated[segment][name].distance == 0):
        holder = next((one for one, named in names.items() if named.casefold() == name.casefold()), None)
        if holder is not None and holder in places.index:
            return _unused_variant(name, own - places.loc[holder, own.index], names), "variant"
    apart = (own - 0.5).drop(_UNREADABLE, errors="ignore").dropna()
    most = apart.abs().sort_values(ascending=False, kind="stable")
    if not len(most) or most.iloc[0] < TYPICAL:
        return _unused("Average customers", names), "described"
    phrases = [words(one)[int(apart[one] > 0)] for one in most.index if most[one] >= TYPICAL]
    for length in range(min(2, len(phrases)), len(phrases) + 1):
        name = ", ".join(phrases[:length])
        if not _is_taken(name[:1].upper() + name[1:], names):
            break
    return _unused(name[:1].upper() + name[1:], names), "described"


def _unused_variant(name: str, difference: pd.Series, names: Mapping[int, str]) -> str:
    """Distinguish a segment from the one that has its name by the measure that differs most."""
    most = (
        difference.drop(_UNREADABLE, errors="ignore")
        .dropna()
        .abs()
        .sort_values(ascending=False, kind="stable")
    )
    for measure in most.index[most >= TELLING]:
        variant = f"{name}, {words(measure)[int(difference[measure] > 0)]}"
        if not _is_taken(variant, names):
            return variant
    return _unused(name, names)


def _is_taken(name: str, names: Mapping[int, str]) -> bool:
    return name.casefold() in {one.casefold() for one in names.values()}


def _unused(name: str, names: Mapping[int, str]) -> str:
    """Return the name, with a number behind it if it is taken."""
    numbered, number = name, 1
    while _is_taken(numbered, names):
        number += 1
        numbered = f"{name} {number}"
    return numbered


def _rule_of(
    name: str, segment: int, playbook: Playbook, rated: Mapping[int, Mapping[str, _Fit]]
) -> Rule | None:
    """Return the rule of a name, or for a variant and a name of the user's the first rule that holds."""
    rule = playbook.rule(name)
    if rule is not None:
        return rule
    holds = [one for one in _preferred(rated[segment], playbook) if rated[segment][one].distance == 0]
    return playbook.rule(holds[0]) if holds else None


def _row(segment: int, name: str, how: str, rule: Rule | None, fits: Mapping[str, _Fit]) -> tuple:
    because = fits[rule.name].because if rule is not None and rule.name in fits else ""
    others = [one for one in fits if rule is None or one != rule.name]
    following = min(others, key=lambda one: fits[one].distance, default="")
    distance = round(fits[following].distance, 4) if following else np.nan
    needs = fits[following].because if following else ""
    return segment, name, rule.name if rule else "", HOW[how], because, following, distance, needs


def _range(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if low <= 0:
        return f"at most {high:g}"
    return f"at least {low:g}" if high >= 1 else f"{low:g} to {high:g}"
