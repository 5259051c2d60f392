"""Distinct customers along a space-filling curve: an order that does not depend on the order of rows."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seg.metrics.kernels.compilation import kernel
from seg.metrics.kernels.descent import Landscape

KEPT_TABLES = 2  # a scan over k orders one table once, not once for each k
KEPT_BYTES = 300 << 20  # of a table that is kept

_lock = threading.Lock()
_kept: OrderedDict[tuple, OrderedPoints] = OrderedDict()


@dataclass(frozen=True)
class OrderedPoints:
    """The distinct rows of a table, neighbours in space mostly beside each other.

    Attributes
    ----------
    values : ndarray of shape (m, d), float64
        Distinct rows.
    weights : ndarray of shape (m,), float64
        Sum of weights of the equal rows.
    place : ndarray of shape (n,)
        The point of each row of the table; -1 for a row of weight 0.
    centre : ndarray of shape (d,)
        Origin of the blocks, within the data.
    scale : float
        A power of two: blocks hold ``(values - centre) / scale``, below 1 in size.
    """

    values: np.ndarray
    weights: np.ndarray
    place: np.ndarray
    centre: np.ndarray
    scale: float

    @cached_property
    def landscape(self) -> Landscape:
        """The points as k-means sees them, in units of the blocks."""
        return Landscape(self.inner(self.values), self.weights)

    def inner(self, centres: np.ndarray) -> np.ndarray:
        """Return points of the table's units in the units of the blocks."""
        return (centres - self.centre) / self.scale

    def outer(self, centres: np.ndarray) -> np.ndarray:
        """Return points of the blocks' units in the units of the table."""
        return centres * self.scale + self.centre


def ordered(X: np.ndarray, weights: np.ndarray | None = None) -> OrderedPoints:
    """Order the distinct rows of a table; the last tables are kept.

    Parameters
    ----------
    X : array of shape (n, d)
        Finite numbers.
    weights : array of shape (n,), optional
        Weight of each row, 1 unless given; rows of weight 0 are left out.

    Notes
    -----
    Rows are sorted by their Morton key (the interleaved bits of their features) and, where keys are equal, by their features.
    So any order of the same rows gives the same points in the same order, bit for bit.
    """
    X = np.ascontiguousarray(X, dtype=np.float64)
    key = (X.shape, _digest(X), None if weights is None else _digest(np.asarray(weights, dtype=np.float64)))
    with _lock:  # other threads want the same table: they wait instead of sorting it again
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        points = _ordered(X, weights)
        if X.nbytes <= KEPT_BYTES:
            _kept[key] = points
            while len(_kept) > KEPT_TABLES:
                _kept.popitem(last=False)
        return points


def forget() -> None:
    """Release the tables that `ordered` keeps."""
    with _lock:
        _kept.clear()


def _digest(values: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(values).view(np.uint8).reshape(-1), digest_size=16).digest()


def _ordered(X: np.ndarray, weights: np.ndarray | None) -> OrderedPoints:
    X = X + 0.0  # zero and minus zero are equal
    n, weights = len(X), np.ones(len(X)) if weights is None else np.asarray(weights, dtype=np.float64)
    rows = np.flatnonzero(weights > 0)
    if len(rows) < n:
        X, weights = X[rows], weights[rows]
    low, high = X.min(axis=0), X.max(axis=0)
    order = _order(X, low, float((high - low).max()))
    along = X[order]
    number = np.cumsum(_new_points(along)) - 1
    values = along[np.flatnonzero(np.diff(number, prepend=-1))]
    place = np.full(n, -1)
    place[rows[order]] = number
    centre = (low + high) / 2
    size = np.abs(values - centre).max()
    scale = float(2.0 ** np.ceil(np.log2(size))) if size > 0 else 1.0
    return OrderedPoints(values, np.bincount(number, weights[order]), place, centre, scale)


def _order(X: np.ndarray, low: np.ndarray, width: float) -> np.ndarray:
    """Return rows by Morton key, and by features where keys are equal."""
    d = X.shape[1]
    bits = max(1, min(24, 64 // d))
    top = 2.0**bits - 1
    keys = _keys(X, low, top / width if width > 0 else 0.0, top, _spread_bytes(d))
    order = np.argsort(keys)
    keys = keys[order]
    mixed = _mixed_ties(X, keys, order)
    if mixed.any():
        tied = np.flatnonzero(mixed)
        rows = order[tied]
        # Ties stay within the places of their run, because the key is compared first.
        order[tied] = rows[np.lexsort([*X[rows].T[::-1], keys[tied]])]
    return order


def _spread_bytes(d: int) -> np.ndarray:
    """Return each byte with its bits `d` apart, as far as 64 bits reach."""
    spread = np.zeros(256, dtype=np.uint64)
    for bit in range(8):
        if bit * d < 64:
            spread |= ((np.arange(256, dtype=np.uint64) >> np.uint64(bit)) & np.uint64(1)) << np.uint64(
                bit * d
            )
    return spread


@kernel
def _keys(X, low, factor, top, spread):
    """Return the Morton key of each row: the bits of all features in turn."""
    n, d = X.shape
    keys = np.zeros(n, np.uint64)
    for i in range(n):
        key = np.uint64(0)
        for f in range(min(d, 64)):
            cell = np.uint64(min(top, max(0.0, (X[i, f] - low[f]) * factor)))
            part = spread[cell & np.uint64(255)]
            if cell >= 256:
                part |= spread[(cell >> np.uint64(8)) & np.uint64(255)] << np.uint64(8 * d)
            if cell >= 65536:
                part |= spread[(cell >> np.uint64(16)) & np.uint64(255)] << np.uint64(16 * d)
            key |= part << np.uint64(f)
        keys[i] = key
    return keys


CACHED = _keys


@kernel
def _mixed_ties(X, keys, order):
    """Return which sorted rows share their key with a row that differs from them."""
    n, d = X.shape
    mixed = np.zeros(n, np.bool_)
    start = 0
    while start < n:
        end = start + 1
        differ = False
        while end < n and keys[end] == keys[start]:
            for f in range(d):
                differ |= X[order[end], f] != X[order[start], f]
            end += 1
        if differ:
            mixed[start:end] = True
        start = end
    return mixed


@kernel
def _new_points(X):
    """Return which rows differ from the one before."""
    n, d = X.shape
    new = np.ones(n, np.bool_)
    for i in range(1, n):
        same = True
        for f in range(d):
            same &= X[i, f] == X[i - 1, f]
        new[i] = not same
    return new


def warm() -> None:
    """Call every kernel of this module once."""
    _ordered(np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]]), None)
