"""The rules of a segmentation as SQL: one ``CASE`` in the dialect of a database."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import expressions as sql

from seg.errors import SegError
from seg.segments.explain import Explanation, Leaf, Split, leaves, number

DIALECTS = ("duckdb", "spark", "postgres")
TABLE = "customers"


def case(explanation: Explanation, dialect: str) -> str:
    """Write the rules as a query that gives every customer of a table a segment.

    Parameters
    ----------
    explanation : Explanation
    dialect : str
        One of `DIALECTS`.

    Returns
    -------
    str
        ``SELECT customer_id, CASE ... END AS segment FROM customers``: the same segments as `Explanation.predict`. Values
        are compared as double precision, as Python does.

    Raises
    ------
    SegError
        The dialect is unknown.
    """
    if dialect not in DIALECTS:
        raise SegError(f"dialect={dialect}: expected one of {', '.join(DIALECTS)}")
    # copy=False: every expression here is new, and to copy them takes longer than to write them.
    segment = sql.alias_(_case(explanation.tree), "segment", copy=False)
    query = sql.select(sql.column("customer_id", quoted=True), segment, copy=False)
    return query.from_(sql.to_table(TABLE), copy=False).sql(dialect=dialect, pretty=True, copy=False)


def script(explanation: Explanation, names: Mapping[int, str]) -> str:
    """Write the rules in every dialect, with the names of the segments in a comment on top."""
    named = [
        f"--   {segment}: {_one_line(names[segment])}"
        for segment in sorted(names, key=lambda one: (one < 0, one))
    ]
    head = [
        f"-- The segments by rules that agree with the model for {explanation.fidelity:.1%} of the customers.",
        f"-- Needs a table {TABLE} with one row a customer, and the columns customer_id, {', '.join(explanation.features)}.",
        *named,
    ]
    parts = [f"-- {dialect}\n{case(explanation, dialect)};" for dialect in DIALECTS]
    return "\n".join(head) + "\n\n" + "\n\n".join(parts) + "\n"


def _case(tree: Split | Leaf) -> sql.Expression:
    if isinstance(tree, Leaf):
        return _number(tree.segment)
    case = sql.Case()
    for conditions, segment in leaves(tree):
        case = case.when(
            sql.and_(*[_condition(*one) for one in conditions], copy=False), _case(Leaf(segment)), copy=False
        )
    return case


def _condition(feature: str, sign: str, threshold: float) -> sql.Expression:
    value = sql.cast(sql.column(feature, quoted=True), "double", copy=False)
    # A decimal literal would be compared exactly, a double precision value is not the decimal that it is written as.
    bound = sql.cast(_number(threshold), "double", copy=False)
    return (sql.LTE if sign == "<=" else sql.GT)(this=value, expression=bound)


def _number(value: float) -> sql.Expression:
    positive = sql.Literal.number(number(abs(value)))
    return sql.Neg(this=positive) if value < 0 else positive


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
