"""Whether a feature table is what a model can take: one row a customer, every value a finite number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from seg.errors import SegError, listed
from seg.features.glossary import GLOSSARY

DIGITS = 12  # significant ones that are kept: the last ones of a sum depend on the order in which threads add
LARGEST = 1e100  # squares and sums of larger numbers overflow
POWERS = 10.0 ** np.arange(301.0)


def checked(frame: pd.DataFrame, gaps: bool = False) -> pd.DataFrame:
    """Check a table with customers as its index; return it as rounded floats.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns)
    gaps : bool
        Whether numbers may be missing.

    Raises
    ------
    SegError
        A customer has two rows, or a feature is not a number for someone, or too large to compute with.
    """
    _check_once(frame)
    _check_numeric(frame)
    frame = frame.astype("float64")
    _check_finite(frame.fillna(0.0) if gaps else frame)
    _check_size(frame)
    return _rounded(frame)


def medians(frame: pd.DataFrame) -> dict[str, float]:
    """Return the median of each column of numbers that has one."""
    numeric = frame.select_dtypes("number").median()
    return {str(name): float(value) for name, value in numeric.items() if np.isfinite(value)}


def nobody() -> SegError:
    """Make the error for a table without customers."""
    return SegError("features: no customer is left; look at the ledger for the step that dropped them")


def repeated(count: int, customer: object) -> SegError:
    """Make the error for customers with more than one row."""
    return SegError(
        f"features: {count:,} customers have more than one row, such as {customer!r}; one row a customer is expected: remove or "
        "merge the others"
    )


def no_number(column: str, value: object) -> SegError:
    """Make the error for a feature that is text or a date."""
    return SegError(
        f"features: {column} is not a number but {value!r}; choose a feature counted from it: "
        f"{listed(column, GLOSSARY, most=8)}"
    )


def not_finite(column: str, count: int, customer: object) -> SegError:
    """Make the error for a feature that is missing or infinite for someone.

    Parameters
    ----------
    column : str
        The feature.
    count : int
        Customers without a number.
    customer : object
        Id of one of them.

    Returns
    -------
    SegError
    """
    return SegError(
        f"features: {column} is not a number for {count:,} customers, such as {customer!r}; drop such rows in the cleaning "
        "(drop_missing), or set dataset.missing=drop or dataset.missing=median for a table of customers"
    )


def too_large(column: str, value: str, count: int, customer: object) -> SegError:
    """Make the error for a feature, or a sum of amounts, that no arithmetic can hold."""
    return SegError(
        f"features: {column} is {value} for {count:,} customers, such as {customer!r}; no number above {LARGEST:g} can be squared and "
        "summed: correct the value, or leave the row out"
    )


def _check_once(frame: pd.DataFrame) -> None:
    twice = frame.index[frame.index.duplicated()].unique()
    if len(twice):
        raise repeated(len(twice), twice[0])


def _check_numeric(frame: pd.DataFrame) -> None:
    for column in frame:
        if not (pd.api.types.is_numeric_dtype(frame[column]) or pd.api.types.is_bool_dtype(frame[column])):
            raise no_number(column, frame[column].iloc[0])


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    integers = [name for name in frame if (frame[name] % 1 == 0).all()]  # nothing to round, and most are
    return frame.assign(**_short(frame.drop(columns=integers)))


def _short(frame: pd.DataFrame) -> pd.DataFrame:
    values = frame.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        places = DIGITS - 1 - np.floor(np.log10(np.abs(values)))
    places = np.where(np.isfinite(places), np.clip(places, 0, 300), 0).astype(np.int16)
    # Beyond 1e11 a float has no digits after the point to drop.
    scale = POWERS[places]
    rounded = np.where(places > 0, np.round(values * scale) / scale, values)
    return pd.DataFrame(
        np.where(np.isfinite(rounded), rounded, values), index=frame.index, columns=frame.columns
    )


def _check_size(frame: pd.DataFrame) -> None:
    wrong = np.abs(frame.to_numpy()) > LARGEST
    if wrong.any():
        column = int(wrong.any(axis=0).argmax())
        row = int(wrong[:, column].argmax())
        count = int(wrong[:, column].sum())
        raise too_large(frame.columns[column], f"{frame.iloc[row, column]:g}", count, frame.index[row])


def _check_finite(frame: pd.DataFrame) -> None:
    wrong = ~np.isfinite(frame.to_numpy())
    if wrong.any():
        column = int(wrong.any(axis=0).argmax())
        customer = frame.index[int(wrong[:, column].argmax())]
        name, count = frame.columns[column], int(wrong[:, column].sum())
        if np.isinf(frame.to_numpy()[:, column]).any():
            raise too_large(name, "infinite", count, customer)
        raise not_finite(name, count, customer)
