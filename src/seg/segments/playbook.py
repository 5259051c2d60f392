"""A playbook: rules that give a segment its name and its actions.

A rule holds for a segment when every one of its conditions holds; a condition is a range of a measure of
`seg.segments.places`. The first rule that holds wins.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seg.errors import SegError
from seg.segments.places import MEASURES, OF_SEGMENT

Bounds = tuple[float, float]
Box = Mapping[str, Bounds]
ACTION_KEYS = ("do", "for", "why", "measure")
ACTION_CONDITION = "when"
RULE_KEYS = ("name", "when", "unless", "says", "actions")


@dataclass(frozen=True)
class Action:
    """One thing to do for a segment.

    Parameters
    ----------
    do, for_whom, why, measure : str
        What to do; for which customers; why it should work; which number shows whether it did.
    when : mapping of str to (float, float)
        Ranges outside which the action makes no sense; empty for an action that always does.
    """

    key: str
    do: str
    for_whom: str
    why: str
    measure: str
    when: Box = field(default_factory=dict)

    def fits(self, measured: Mapping[str, float]) -> bool:
        """Return True for a segment inside all ranges; one with a measure that the data do not have is ignored."""
        return all(low <= measured[one] <= high for one, (low, high) in self.when.items() if one in measured)


@dataclass(frozen=True)
class Rule:
    """A name, its conditions and its actions.

    Parameters
    ----------
    name : str
    boxes : tuple of mapping of str to (float, float)
        Alternatives; in each the lowest and the highest value of every measure.
    says : str
        What the customers have in common, in a few words.
    actions : tuple of Action
    unless : mapping of str to (float, float)
        Ranges in which the rule does not hold, nor nearly; empty for none. One with a measure that the data do not have is ignored.
    """

    name: str
    boxes: tuple[Box, ...]
    says: str
    actions: tuple[Action, ...]
    unless: Box = field(default_factory=dict)

    @property
    def measures(self) -> set[str]:
        """Measures that the conditions of the rule and of its actions refer to."""
        boxes = (*self.boxes, self.unless, *(action.when for action in self.actions))
        return {measure for box in boxes for measure in box}

    def fitting(self, measured: Mapping[str, float]) -> Rule:
        """Return the rule with the actions that make sense for a segment."""
        return replace(self, actions=tuple(one for one in self.actions if one.fits(measured)))

    def is_excluded(self, measured: Mapping[str, float]) -> bool:
        """Return True for a segment that lies in all ranges of `unless`."""
        known = bool(self.unless) and set(self.unless) <= set(measured)
        return known and all(low <= measured[one] <= high for one, (low, high) in self.unless.items())


@dataclass(frozen=True)
class Playbook:
    """Rules in the order in which they are tried.

    Parameters
    ----------
    name : str
    rules : tuple of Rule
        Empty: segments keep their numbers.
    within : float
        How far outside its ranges a rule may still give its name, once no rule that holds is left.
    """

    name: str
    rules: tuple[Rule, ...]
    within: float = 0.0

    @property
    def measures(self) -> list[str]:
        """Measures that any rule refers to, without those of the segment as a whole."""
        return sorted({measure for rule in self.rules for measure in rule.measures} - set(OF_SEGMENT))

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name, None if there is none."""
        return next((rule for rule in self.rules if rule.name == name), None)


def parse(section: Mapping[str, Any], features: Iterable[str] = ()) -> Playbook:
    """Read and check a playbook.

    Parameters
    ----------
    section : mapping
        ``name``, ``within``, ``actions`` and ``rules``, as in ``configs/playbook/default.yaml``.
    features : iterable of str
        Features that exist besides the named measures.

    Raises
    ------
    SegError
        A feature or an action is unknown, two rules have one name, or a rule can never be the first that holds.
    """
    name = str(section.get("name", "playbook"))
    known = {*MEASURES, *OF_SEGMENT, *features}
    actions = parse_actions(section, features)
    rules = tuple(
        _rule(name, place, entry, actions, known) for place, entry in enumerate(section.get("rules") or [])
    )
    _check_names(name, rules)
    _check_reachable(name, rules)
    within = section.get("within", 0.0)
    if isinstance(within, bool) or not isinstance(within, (int, float)) or not 0 <= within <= 0.5:
        raise SegError(f"playbook.within={within}: expected a number from 0 to 0.5, such as 0.05")
    return Playbook(name, rules, float(within))


def parse_actions(section: Mapping[str, Any], features: Iterable[str] = ()) -> dict[str, Action]:
    """Read and check the actions of a playbook, by their keys.

    Parameters
    ----------
    section : mapping
        The playbook.
    features : iterable of str
        Features that exist besides the named measures.
    """
    name, known = str(section.get("name", "playbook")), {*MEASURES, *OF_SEGMENT, *features}
    return {key: _action(name, key, value, known) for key, value in (section.get("actions") or {}).items()}


def _action(playbook: str, key: str, value: Any, known: set[str]) -> Action:
    if not isinstance(value, Mapping) or {*value, ACTION_CONDITION} != {*ACTION_KEYS, ACTION_CONDITION}:
        got = ", ".join(map(str, value)) if isinstance(value, Mapping) else repr(value)
        raise SegError(
            f"playbook={playbook}: action {key} has {got}; expected {', '.join(ACTION_KEYS)}: what to do, for whom, why, "
            "and what to measure; and under when, for which segments it makes sense, if not for all"
        )
    texts = {one: str(value[one]).strip() for one in ACTION_KEYS}
    when = parse_box(f"playbook={playbook}: action {key}", value.get(ACTION_CONDITION) or {}, known)
    return Action(str(key), texts["do"], texts["for"], texts["why"], texts["measure"], when)


def _rule(playbook: str, place: int, entry: Any, actions: Mapping[str, Action], known: set[str]) -> Rule:
    where = f"playbook={playbook}: rule {place + 1}"
    if not isinstance(entry, Mapping) or not str(entry.get("name") or "").strip():
        raise SegError(f"{where} has no name; expected keys {', '.join(RULE_KEYS)}")
    name = str(entry["name"]).strip()
    where = f"{where} ({name})"
    unknown = sorted(set(entry) - set(RULE_KEYS))
    if unknown:
        raise SegError(f"{where}: unknown key {unknown[0]}; expected {', '.join(RULE_KEYS)}")
    alternatives = entry.get("when") or {}
    if isinstance(alternatives, Mapping):
        alternatives = [alternatives]
    boxes = tuple(parse_box(where, box, known) for box in alternatives)
    unless = parse_box(f"{where}, unless", entry.get("unless") or {}, known)
    wanted = list(entry.get("actions") or [])
    missing = [key for key in wanted if key not in actions]
    if missing:
        raise SegError(f"{where}: no action {missing[0]} in this playbook; {_nearest(missing[0], actions)}")
    says = str(entry.get("says") or "").strip()
    return Rule(name, boxes, says, tuple(actions[key] for key in wanted), unless)


def parse_box(where: str, box: Any, known: set[str]) -> dict[str, Bounds]:
    """Read and check ranges of measures."""
    if not isinstance(box, Mapping):
        raise SegError(
            f"{where}: when is {box!r}; expected ranges such as {{recency: [0.6, 1]}}, or a list of them"
        )
    return {str(key): _bounds(where, str(key), value, known) for key, value in box.items()}


def _bounds(where: str, key: str, value: Any, known: set[str]) -> Bounds:
    if key not in known:
        raise SegError(f"{where}: unknown feature {key}; {_nearest(key, known)}")
    numbers = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    real = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers]
    if len(numbers) != 2 or not all(real) or not 0 <= numbers[0] <= numbers[1] <= 1:
        raise SegError(
            f"{where}: {key}={value} can never hold; expected [lowest, highest] with 0 <= lowest <= highest <= 1, such as [0.6, 1]"
        )
    return float(numbers[0]), float(numbers[1])


def _check_names(playbook: str, rules: Sequence[Rule]) -> None:
    spelled: dict[str, str] = {}
    for rule in rules:
        before = spelled.setdefault(rule.name.casefold(), rule.name)
        if before is not rule.name:
            raise SegError(
                f"playbook={playbook}: two rules are named {rule.name}; a name may be given once: rename one, or put both "
                "conditions into one rule as a list under when"
            )


def _check_reachable(playbook: str, rules: Sequence[Rule]) -> None:
    for place, rule in enumerate(rules):
        # A rule with exceptions leaves them to later ones.
        earlier = [
            (box, before.name) for before in rules[:place] if not before.unless for box in before.boxes
        ]
        if rule.boxes and any(uncovered(box, [one for one, _ in earlier]) for box in rule.boxes):
            continue
        covering = sorted({name for box, name in earlier if any(_overlap(box, own) for own in rule.boxes)})
        raise SegError(
            f"playbook={playbook}: rule {place + 1} ({rule.name}) can never be the first that holds: {' and '.join(covering)} "
            "before it holds wherever it does; move it up, or narrow those"
        )


def uncovered(box: Box, others: Sequence[Box]) -> bool:
    """Return True if some point of a box lies in none of the others.

    >>> uncovered({"money": (0.2, 0.8)}, [{"money": (0.0, 0.5)}, {"money": (0.5, 1.0)}])
    False
    >>> uncovered({"money": (0.2, 0.8)}, [{"money": (0.0, 0.5)}, {"money": (0.5, 1.0), "size": (0.0, 0.1)}])
    True
    """
    if not others:
        return True
    first, rest = others[0], others[1:]
    if not _overlap(box, first):
        return uncovered(box, rest)
    inside = dict(box)
    for measure, (low, high) in first.items():
        own_low, own_high = inside.get(measure, (0.0, 1.0))
        if own_low < low and uncovered({**inside, measure: (own_low, low)}, rest):
            return True
        if own_high > high and uncovered({**inside, measure: (high, own_high)}, rest):
            return True
        inside[measure] = max(own_low, low), min(own_high, high)
    return False


def _overlap(box: Box, other: Box) -> bool:
    """Return True if two boxes share more than an edge (or a point, where a range is one value)."""
    for measure, (low, high) in other.items():
        own_low, own_high = box.get(measure, (0.0, 1.0))
        least, most = max(low, own_low), min(high, own_high)
        if least > most or (least == most and low != high and own_low != own_high):
            return False
    return True


def _nearest(wrong: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(wrong, names, n=3, cutoff=0.4)
    rest = [one for one in names if one not in close]
    return f"expected one of {', '.join([*close, *rest][:20])}"
