"""Compare two routers, each with one model a group, on the same customers: group by group, and all together.

A group is judged by the rule for one model (`seg.compare.challenge`). With many groups some differ by chance, so the interval of each
is widened until all of them together hold with 95 % (Bonferroni). The challenger may be promoted if it is not worse over all customers,
not worse in any group, and flagged in none. Other gates that a group does not pass are listed, and do not decide: the champion's
groups were not asked for them either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from seg.compare.challenge import Duel

LEVEL = 0.05  # chance that any group is called better or worse when none is
COLUMNS = [
    "group", "customers", "k", "k_champion", "model_champion", "basis", "challenger", "champion", "difference", "low", "high",
    "verdict", "does_not_pass", "kept", "adjusted_rand",
]  # fmt: skip
NAMED = 5  # groups that a sentence names


@dataclass(frozen=True)
class GroupDuel:
    """How one group's models compare.

    Parameters
    ----------
    group : str
        Name of the challenger's model.
    customers : int
        Of today, whom that model places.
    k, k_champion : int
        Segments that these customers have by both.
    model_champion : str
        The champion's model for them.
    duel : Duel
        With the gates that the group's model does not pass.
    kept, adjusted_rand : float
        Share of the customers who keep their segment once segments are matched, and the agreement of the two.
    """

    group: str
    customers: int
    k: int
    k_champion: int
    model_champion: str
    duel: Duel
    kept: float
    adjusted_rand: float

    @property
    def flagged(self) -> bool:
        """Whether the challenger's model is flagged."""
        return any(reason.startswith("flagged") for reason in self.duel.against)


def widened(duels: Sequence[GroupDuel]) -> list[GroupDuel]:
    """Return the same with intervals that hold for all groups together with 95 %."""
    n_judged = sum(one.duel.verdict != "unknown" for one in duels)
    factor = norm.ppf(1 - LEVEL / 2 / max(n_judged, 1)) / norm.ppf(1 - LEVEL / 2)

    def wider(duel: Duel) -> Duel:
        middle = duel.difference
        return replace(
            duel, low=middle + factor * (duel.low - middle), high=middle + factor * (duel.high - middle)
        )

    return [replace(one, duel=wider(one.duel)) for one in duels]


def averaged(duels: Sequence[GroupDuel]) -> Duel:
    """Return the mean over customers of what the groups compare by; groups whose difference is unknown are left out.

    For a measure that is of one group, such as a silhouette. Customers of different groups are independent, so the variances add.
    """
    judged = [one for one in duels if one.duel.verdict != "unknown"]
    if not judged:
        return Duel(duels[0].duel.basis, *[np.nan] * 4)
    shares = np.array([one.customers for one in judged], dtype="float64")
    shares /= shares.sum()
    own, other, reach = (
        np.array(values)
        for values in zip(
            *[(one.duel.challenger, one.duel.champion, (one.duel.high - one.duel.low) / 2) for one in judged],
            strict=True,
        )
    )
    difference, both = float(shares @ (own - other)), float(np.sqrt(((shares * reach) ** 2).sum()))
    return Duel(
        f"{judged[0].duel.basis}, mean of the groups",
        float(shares @ own),
        float(shares @ other),
        difference - both,
        difference + both,
    )


def decided(overall: Duel, duels: Sequence[GroupDuel]) -> Duel:
    """Return the comparison over all customers with what the groups have against the challenger.

    Parameters
    ----------
    overall : Duel
        Of all customers.
    duels : sequence of GroupDuel
        With intervals of `widened`.
    """
    worse = [one.group for one in duels if one.duel.verdict == "worse"]
    flagged = [one.group for one in duels if one.flagged]
    against = [f"worse in {_listed(worse)}"] if worse else []
    against += [f"flagged in {_listed(flagged)}"] if flagged else []
    return replace(overall, against=against)


def notes(duels: Sequence[GroupDuel]) -> list[str]:
    """Return what a reader of the table should know: gates that do not decide, groups that cannot be judged."""
    failing = [one.group for one in duels if one.duel.against and not one.flagged]
    unknown = [one.group for one in duels if one.duel.verdict == "unknown"]
    texts = []
    if failing:
        texts.append(
            f"groups that do not pass every gate, which decides nothing here: {_listed(failing)}; see by_group.csv"
        )
    if unknown:
        texts.append(f"groups with too few customers or outcomes to be compared: {_listed(unknown)}")
    return texts


def table(duels: Sequence[GroupDuel]) -> pd.DataFrame:
    """Return one row a group, columns `COLUMNS`."""
    rows = [
        (
            one.group, one.customers, one.k, one.k_champion, one.model_champion, one.duel.basis, one.duel.challenger, one.duel.champion,
            one.duel.difference, one.duel.low, one.duel.high, one.duel.verdict, "; ".join(one.duel.against), one.kept,
            one.adjusted_rand,
        )
        for one in duels
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
