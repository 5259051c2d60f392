"""What a playbook changes once it is known what customers will do: actions that are added, or left out.

The names of the segments stay: they say what customers did, and an outlook is an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from seg.errors import SegError
from seg.segments.naming import Naming
from seg.segments.playbook import Action, Box, Rule, parse_actions, parse_box

LIKELY, LOST, STAKE = "likely_anyway", "lost", "stake_share"
MEASURES = {
    LIKELY: "share of the customers who are likely to buy without being asked",
    LOST: "mean probability of being lost",
    STAKE: "share of the value at stake of all segments",
}
KEYS = ("when", "says", "add", "drop")


@dataclass(frozen=True)
class OutlookRule:
    """Conditions on the outlook of a segment, and what follows.

    Parameters
    ----------
    box : mapping of str to (float, float)
        Lowest and highest value of `MEASURES`.
    says : str
        What the outlook means, in a few words.
    add : tuple of Action
        Put first.
    drop : tuple of str
        Keys of actions that are left out.
    """

    box: Box
    says: str
    add: tuple[Action, ...]
    drop: tuple[str, ...]

    def holds(self, measures: Mapping[str, float]) -> bool:
        """Return True if every condition holds; a measure that is not known does not."""
        return all(low <= measures.get(name, np.nan) <= high for name, (low, high) in self.box.items())


def parse(section: Mapping[str, Any], features: Iterable[str] = ()) -> tuple[OutlookRule, ...]:
    """Read and check the part ``outlook`` of a playbook.

    Parameters
    ----------
    section : mapping
        The playbook, as in ``configs/playbook/default.yaml``.
    features : iterable of str
        Features that exist besides the named measures.

    Raises
    ------
    SegError
        A key, a measure or an action is unknown, or a range can never hold.
    """
    name = str(section.get("name", "playbook"))
    actions = parse_actions(section, features)
    return tuple(
        _rule(f"playbook={name}: outlook rule {place + 1}", entry, actions)
        for place, entry in enumerate(section.get("outlook") or [])
    )


def _rule(where: str, entry: Any, actions: Mapping[str, Action]) -> OutlookRule:
    if not isinstance(entry, Mapping) or not set(entry) <= set(KEYS) or not entry.get("when"):
        raise SegError(
            f"{where} is {entry!r}; expected the keys {', '.join(KEYS)}, and conditions under when"
        )
    add, drop = list(entry.get("add") or []), list(entry.get("drop") or [])
    unknown = [key for key in (*add, *drop) if key not in actions]
    if unknown:
        raise SegError(
            f"{where}: no action {unknown[0]} in this playbook; expected one of {', '.join(actions)}"
        )
    box = parse_box(where, entry["when"], set(MEASURES))
    return OutlookRule(
        box, str(entry.get("says") or "").strip(), tuple(actions[key] for key in add), tuple(drop)
    )


def measures(stakes: pd.DataFrame) -> pd.DataFrame:
    """Compute `MEASURES` of each segment.

    Parameters
    ----------
    stakes : DataFrame
        ``segment``, ``customers``, ``likely_anyway``, ``lost_rate``, ``value_at_stake``, see `seg.outlook.actions`.

    Returns
    -------
    DataFrame, index segment
    """
    at_stake = stakes["value_at_stake"].clip(lower=0)
    total = at_stake.sum()
    table = pd.DataFrame(
        {
            LIKELY: stakes["likely_anyway"] / stakes["customers"].where(stakes["customers"] > 0),
            LOST: stakes["lost_rate"],
            STAKE: at_stake / total if total > 0 else np.nan,
        }
    )
    return table.set_index(stakes["segment"].astype("int64"))


def adjusted(naming: Naming, rules: Sequence[OutlookRule], measured: pd.DataFrame) -> Naming:
    """Return the naming with the actions that the outlook of each segment leaves.

    Parameters
    ----------
    naming : Naming
    rules : sequence of OutlookRule
        All that hold are applied, in their order.
    measured : DataFrame, index segment
        As `measures` returns it; segments without a row keep their actions.
    """
    changed = dict(naming.rules)
    for segment, rule in naming.rules.items():
        if segment in measured.index:
            values = measured.loc[segment].to_dict()
            changed[segment] = _applied(rule, [one for one in rules if one.holds(values)])
    return replace(naming, rules=changed)


def _applied(rule: Rule, rules: Sequence[OutlookRule]) -> Rule:
    for one in rules:
        kept = [action for action in rule.actions if action.key not in one.drop and action not in one.add]
        sentence = ". ".join(filter(None, [rule.says, one.says]))
        rule = replace(rule, says=sentence, actions=(*one.add, *kept))
    return rule
