"""Rules that say in a few lines which customers belong to which segment: a shallow decision tree, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

MOST_LEVELS = 4
GAIN = 0.01  # of fidelity, which a further level must bring
MOST_ROWS = 50_000  # customers that the tree is fitted on; it is judged on all
LEAST_LEAF = 5


@dataclass(frozen=True)
class Split:
    """One question of the tree: customers with a value of at most `threshold` go left."""

    feature: str
    threshold: float
    left: Split | Leaf
    right: Split | Leaf


@dataclass(frozen=True)
class Leaf:
    """An end of the tree: its customers are said to be in `segment`."""

    segment: int


@dataclass(frozen=True)
class Explanation:
    """The rules of a segmentation, and how far they can be relied on.

    Parameters
    ----------
    tree : Split or Leaf
    features : list of str
        Columns that the rules use.
    levels : int
        Questions that a customer is asked at most.
    fidelity : float
        Share of the customers whom the rules put into the segment that the model gives them.
    rules : DataFrame
        One row a rule (a leaf): ``segment``, ``name``, ``rule``, ``customers`` that it holds for, ``precision`` (share of them that
        are in the segment) and ``recall`` (share of the segment that it reaches).
    """

    tree: Split | Leaf
    features: list[str]
    levels: int
    fidelity: float
    rules: pd.DataFrame

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the segment that the rules give each customer."""
        return predict(self.tree, frame)


def explain(
    frame: pd.DataFrame,
    labels: np.ndarray,
    names: Mapping[int, str],
    features: Sequence[str],
    levels: int = MOST_LEVELS,
    seed: int = 0,
) -> Explanation:
    """Learn rules for the segments of customers.

    The tree has as few levels as lose at most `GAIN` of the fidelity of the deepest one allowed. Its thresholds are the
    shortest decimal numbers that part the same customers.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns)
        Features in original units.
    labels : ndarray of shape (n_customers,)
        Segment of each customer; noise (-1) is explained like a segment.
    names : mapping of int to str
    features : sequence of str
        Columns that the rules may use.
    levels : int
        At most so many questions one after the other.
    """
    labels = np.asarray(labels)
    values = frame[list(features)].to_numpy(dtype="float64")
    kept = _sample(labels, seed)
    fewest = min(LEAST_LEAF, max(1, len(kept) // 20))
    fitted = DecisionTreeClassifier(max_depth=levels, min_samples_leaf=fewest, random_state=seed)
    fitted.fit(values[kept], labels[kept])
    # A tree that grows greedily has the shallower ones inside it.
    shown = frame.iloc[kept][list(features)]
    best = None
    for depth in range(1, levels + 1):
        candidate = _merged(_readable(fitted, values[kept], list(features), depth))
        fidelity = float((predict(candidate, shown) == labels[kept]).mean())
        if best is None or fidelity > best[0] + GAIN:
            best = fidelity, candidate
    tree = best[1]
    predicted = predict(tree, frame)
    rules = _rules(tree, frame, labels, predicted, names)
    return Explanation(tree, sorted(_used(tree)), _levels(tree), float((predicted == labels).mean()), rules)


def predict(tree: Split | Leaf, frame: pd.DataFrame) -> np.ndarray:
    """Return the segment of the leaf that each row of a table ends in."""
    segments = np.empty(len(frame), dtype="int64")

    def go(node: Split | Leaf, rows: np.ndarray) -> None:
        if isinstance(node, Leaf):
            segments[rows] = node.segment
            return
        left = frame[node.feature].to_numpy(dtype="float64")[rows] <= node.threshold
        go(node.left, rows[left])
        go(node.right, rows[~left])

    go(tree, np.arange(len(frame)))
    return segments


def leaves(tree: Split | Leaf) -> list[tuple[list[tuple[str, str, float]], int]]:
    """List every leaf as its conditions (feature, ``<=`` or ``>``, threshold) and its segment, from left to right."""
    if isinstance(tree, Leaf):
        return [([], tree.segment)]
    sides = (("<=", tree.left), (">", tree.right))
    return [
        ([(tree.feature, sign, tree.threshold), *conditions], segment)
        for sign, side in sides
        for conditions, segment in leaves(side)
    ]


def in_words(conditions: Sequence[tuple[str, str, float]]) -> str:
    """Write the conditions of a leaf as a sentence, two bounds of one feature as one range.

    >>> in_words([("orders", ">", 2.0), ("revenue", "<=", 900.0), ("orders", "<=", 9.0)])
    '2 < orders <= 9 and revenue <= 900'
    """
    bounds: dict[str, list[float | None]] = {}
    for feature, sign, threshold in conditions:
        low_high = bounds.setdefault(feature, [None, None])
        if sign == ">":
            low_high[0] = threshold if low_high[0] is None else max(low_high[0], threshold)
        else:
            low_high[1] = threshold if low_high[1] is None else min(low_high[1], threshold)
    return " and ".join(_range(feature, *ends) for feature, ends in bounds.items()) or "every customer"


def text(explanation: Explanation) -> str:
    """Write the rules as lines of text, segment by segment."""
    head = (
        f"Rules that give {explanation.fidelity:.1%} of the customers the segment that the model gives them "
        f"({explanation.levels} questions at most; a shallow decision tree, fitted to the segments)."
    )
    lines = [head]
    for (_segment, name), rows in explanation.rules.groupby(["segment", "name"], sort=False):
        lines += ["", str(name)]
        lines += [
            f"  {row.rule}\n      {row.customers:,} customers; {row.precision:.0%} of them are in this segment, which is "
            f"{row.recall:.0%} of it"
            for row in rows.itertuples()
        ]
    unreached = explanation.rules.attrs.get("unreached", [])
    if unreached:
        lines += ["", f"No rule reaches: {', '.join(unreached)} (too few customers, or too scattered)."]
    return "\n".join(lines) + "\n"


def _range(feature: str, low: float | None, high: float | None) -> str:
    if low is None:
        return f"{feature} <= {number(high)}"
    return f"{feature} > {number(low)}" if high is None else f"{number(low)} < {feature} <= {number(high)}"


def number(value: float) -> str:
    """Write a threshold so that it reads back as the same number."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _sample(labels: np.ndarray, seed: int) -> np.ndarray:
    """Choose the customers that the tree is fitted on: of each segment its share, and never fewer than it takes for a leaf."""
    if len(labels) <= MOST_ROWS:
        return np.arange(len(labels))
    rng, kept = np.random.default_rng(seed), []
    for segment in np.unique(labels):
        members = np.flatnonzero(labels == segment)
        wanted = min(len(members), max(200, round(MOST_ROWS * len(members) / len(labels))))
        kept.append(rng.choice(members, wanted, replace=False))
    return np.sort(np.concatenate(kept))


def _readable(
    fitted: DecisionTreeClassifier, values: np.ndarray, features: list[str], levels: int
) -> Split | Leaf:
    """Turn the first levels of scikit-learn's tree into `Split` and `Leaf`, with thresholds that people can read."""
    inside, classes = fitted.tree_, fitted.classes_

    def node(at: int, rows: np.ndarray, left_over: int) -> Split | Leaf:
        if inside.children_left[at] < 0 or not left_over:
            return Leaf(int(classes[int(inside.value[at][0].argmax())]))
        column = inside.feature[at]
        mine = values[rows, column]
        # scikit-learn compares in single precision: who goes left is decided as it does, the threshold is then in double.
        left = mine.astype("float32") <= inside.threshold[at]
        threshold = between(mine[left].max(), mine[~left].min())
        return Split(
            features[column],
            threshold,
            node(inside.children_left[at], rows[left], left_over - 1),
            node(inside.children_right[at], rows[~left], left_over - 1),
        )

    return node(0, np.arange(len(values)), levels)


def between(low: float, high: float) -> float:
    """Return the number with the fewest digits that is at least `low` and below `high`.

    >>> [between(2.0, 3.0), between(1216.4837, 1216.9), between(-0.31, 0.2)]
    [2.0, 1216.5, 0.0]
    """
    largest = int(np.floor(np.log10(max(abs(low), abs(high), 1e-9)))) + 1
    for digits in range(-largest, 16):
        step = 10.0**-digits
        # The first multiple of the step from low on; rounding it again removes the last digits of the product.
        candidate = round(np.ceil(low / step) * step, max(digits, 0)) + 0.0
        if low <= candidate < high:
            return float(candidate)
    return float(low)


def _merged(tree: Split | Leaf) -> Split | Leaf:
    """Drop questions whose two answers lead to the same segment."""
    if isinstance(tree, Leaf):
        return tree
    left, right = _merged(tree.left), _merged(tree.right)
    return left if left == right else Split(tree.feature, tree.threshold, left, right)


def _rules(
    tree: Split | Leaf,
    frame: pd.DataFrame,
    labels: np.ndarray,
    predicted: np.ndarray,
    names: Mapping[int, str],
) -> pd.DataFrame:
    sizes = {
        int(segment): int(size) for segment, size in zip(*np.unique(labels, return_counts=True), strict=True)
    }
    rows = []
    for conditions, segment in leaves(tree):
        reached = np.ones(len(frame), dtype=bool)
        for feature, sign, threshold in conditions:
            values = frame[feature].to_numpy(dtype="float64")
            reached &= values <= threshold if sign == "<=" else values > threshold
        right, size = int((labels[reached] == segment).sum()), int(reached.sum())
        name = names.get(segment, f"segment {segment}")
        rows.append((segment, name, in_words(conditions), size, right / max(size, 1), right / sizes[segment]))
    columns = ["segment", "name", "rule", "customers", "precision", "recall"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.sort_values(["segment", "customers"], ascending=[True, False], kind="stable")
    table = pd.concat([table[table["segment"] >= 0], table[table["segment"] < 0]], ignore_index=True)
    table.attrs["unreached"] = [
        names[one] for one in sorted(set(sizes) - set(predicted.tolist())) if one in names
    ]
    return table


def _used(tree: Split | Leaf) -> set[str]:
    return set() if isinstance(tree, Leaf) else {tree.feature} | _used(tree.left) | _used(tree.right)


def _levels(tree: Split | Leaf) -> int:
    return 0 if isinstance(tree, Leaf) else 1 + max(_levels(tree.left), _levels(tree.right))
