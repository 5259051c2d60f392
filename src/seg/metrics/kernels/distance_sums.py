"""Sums of Euclidean distances from points to clusters, for many clusterings of the same points in one pass."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import joblib
import numpy as np

from seg.metrics.kernels.compilation import kernel, part

TILE = 16  # points of a tile; a constant, so that loops over them become vector instructions
SHARES = 4  # of an exact pass, whatever the number of threads, so that sums are added in one order
QUERY_TILES = 8  # for each task
WIDTHS = (3, 4, 8, 16)  # kernels are compiled for so many features; others are filled up with zeros
MOST_FEATURES = WIDTHS[-1]


@dataclass(frozen=True)
class Cells:
    """Reference points in tiles of 16, each of one cell: points that no clustering separates.

    Attributes
    ----------
    tiles : ndarray of shape (number of tiles, width, 16), float32
        Features beyond d are 0.
    weights : ndarray of shape (number of tiles, 16), float32
        0 where a tile is filled up.
    starts : ndarray of shape (n_cells + 1,)
        First tile of each cell.
    columns : ndarray of shape (n_cells, n_clusterings)
        The column of each cell's cluster in the result, -1 for none.
    slots : ndarray of shape (m,)
        Where in the tiles each reference point is.
    scale : float
        Tiles hold points divided by it.
    """

    tiles: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    slots: np.ndarray
    scale: float


def cells(X: np.ndarray, weights: np.ndarray, numbers: np.ndarray, columns: np.ndarray) -> Cells:
    """Sort points by cell.

    Parameters
    ----------
    X : ndarray of shape (m, d)
        Centred reference points.
    weights : ndarray of shape (m,)
    numbers : ndarray of shape (m,)
        Cell of each point, from 0.
    columns : ndarray of shape (n_cells, n_clusterings)
        The column of each cell's cluster in the result, -1 for none.
    """
    counts = np.bincount(numbers, minlength=len(columns))
    starts = np.concatenate([[0], np.cumsum(-(-counts // TILE))])
    order = np.argsort(numbers, kind="stable")
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    slots = np.empty(len(order), dtype=np.int64)
    slots[order] = np.repeat(starts[:-1] * TILE, counts) + rank
    filled = np.zeros(starts[-1] * TILE, dtype=np.float32)
    filled[slots] = weights
    size = np.abs(X).max(initial=0.0)
    scale = float(2.0 ** np.ceil(np.log2(size))) if size > 0 else 1.0
    flat = np.zeros((len(filled), X.shape[1]), dtype=np.float32)
    flat[slots] = X / scale
    return Cells(_tiled(flat), filled.reshape(-1, TILE), starts, np.ascontiguousarray(columns), slots, scale)


def exact_sums(of: Cells, n_columns: int) -> np.ndarray:
    """Return the sums of distances (m, n_columns) of the reference points themselves; each pair is computed once."""

    def share(number: int) -> np.ndarray:
        sums = np.zeros((len(of.tiles), n_columns, TILE))
        add_pairs(
            (0,) * of.tiles.shape[1], (of.tiles, of.weights), of.starts, of.columns, number, SHARES, sums
        )
        return sums

    with ThreadPoolExecutor(min(SHARES, joblib.cpu_count())) as pool:
        shares = list(pool.map(share, range(SHARES)))
    total = sum(shares[1:], shares[0])
    return total.transpose(0, 2, 1).reshape(-1, n_columns)[of.slots] * of.scale


def query_sums(of: Cells, queries: np.ndarray, n_columns: int) -> np.ndarray:
    """Return the sums of distances (q, n_columns) of other points (q, d), centred as the reference points are.

    Parameters
    ----------
    of : Cells
        The reference points.
    queries : ndarray of shape (q, d)
    n_columns : int
        Clusters of all labelings together.

    Returns
    -------
    ndarray of shape (q, n_columns)
        Sum of the Euclidean distances from each query to the reference points of each cluster, by their weights.
    """
    padded = np.zeros((-(-len(queries) // TILE) * TILE, queries.shape[1]), dtype=np.float32)
    padded[: len(queries)] = queries / of.scale
    tiles = _tiled(padded)

    def measure(first: int) -> np.ndarray:
        some = tiles[first : first + QUERY_TILES]
        sums = np.zeros((len(some), n_columns, TILE))
        add_queries((0,) * some.shape[1], some, (of.tiles, of.weights), of.starts, of.columns, sums)
        return sums

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        parts = list(pool.map(measure, range(0, len(tiles), QUERY_TILES)))
    total = np.concatenate(parts).transpose(0, 2, 1).reshape(-1, n_columns)
    return total[: len(queries)] * of.scale


def _tiled(points: np.ndarray) -> np.ndarray:
    """Return points (m, d), m a multiple of 16, as tiles (m / 16, width, 16)."""
    width = min(width for width in WIDTHS if width >= points.shape[1])
    wide = np.zeros((len(points), width), dtype=np.float32)
    wide[:, : points.shape[1]] = points
    return np.ascontiguousarray(wide.reshape(-1, TILE, width).transpose(0, 2, 1))


@part
def _tile_pair(axes, pair, weights, rows, behind):
    """Add the weighted distances between two tiles: to `rows` (16, 16) by point of the first, to `behind` by point of the second.

    `axes` is a tuple with one entry a feature: its length is a constant to the compiler, so distances stay in registers.
    """
    a, b = pair
    weights_a, weights_b = weights
    for r in range(TILE):
        w = weights_a[r]
        for j in range(TILE):
            s = np.float32(0.0)
            for f in range(len(axes)):
                t = b[f, j] - a[f, r]
                s += t * t
            s = np.sqrt(s)
            rows[r, j] += weights_b[j] * s
            behind[j] += w * s


@part
def _add_rows(rows, columns, sums):
    """Add the sums over lanes to the columns of a cell's clusters."""
    for r in range(TILE):
        total = 0.0
        for j in range(TILE):
            total += rows[r, j]
        for q in range(columns.shape[0]):
            if columns[q] >= 0:
                sums[columns[q], r] += total


@kernel
def add_pairs(axes, reference, starts, columns, first, step, sums):
    """Add, once for each pair of tiles, the distances between cells first, first + step, ... and all after them.

    Parameters
    ----------
    axes : tuple of int
        As many zeros as there are features: their number is known when the kernel is compiled.
    reference : tuple of ndarray
        Tiles (t, d, TILE) and the weights (t, TILE) of their points.
    starts : ndarray of shape (cells + 1,)
        First tile of each cell.
    columns : ndarray of shape (cells, labelings)
        Cluster of the points of a cell in each labeling, -1 for none.
    first, step : int
        Which cells: a thread takes every step-th.
    sums : ndarray of shape (t, n_columns, TILE)
        Is added to.
    """
    tiles, weights = reference
    n_cells = starts.shape[0] - 1
    behind = np.empty((tiles.shape[0], TILE), np.float32)
    rows = np.empty((TILE, TILE), np.float32)
    unused = np.zeros(TILE, np.float32)
    for own in range(first, n_cells, step):
        behind[starts[own] :] = np.float32(0.0)
        for i in range(starts[own], starts[own + 1]):
            for other in range(own, n_cells):
                rows[:] = np.float32(0.0)
                begin = starts[other]
                if other == own:
                    begin = i + 1
                    _tile_pair(axes, (tiles[i], tiles[i]), (weights[i], weights[i]), rows, unused)
                for j in range(begin, starts[other + 1]):
                    _tile_pair(axes, (tiles[i], tiles[j]), (weights[i], weights[j]), rows, behind[j])
                _add_rows(rows, columns[other], sums[i])
        for q in range(columns.shape[1]):
            c = columns[own, q]
            if c >= 0:
                for j in range(starts[own], tiles.shape[0]):
                    for lane in range(TILE):
                        sums[j, c, lane] += behind[j, lane]


@kernel
def add_queries(axes, queries, reference, starts, columns, sums):
    """Add the distances between each query and the points of every cell.

    Parameters
    ----------
    axes : tuple of int
        As many zeros as there are features.
    queries : ndarray of shape (q, d, TILE)
    reference : tuple of ndarray
        Tiles (t, d, TILE) and the weights (t, TILE) of their points.
    starts : ndarray of shape (cells + 1,)
        First tile of each cell.
    columns : ndarray of shape (cells, labelings)
        Cluster of the points of a cell in each labeling, -1 for none.
    sums : ndarray of shape (q, n_columns, TILE)
        Is added to.
    """
    tiles, weights = reference
    rows = np.empty((TILE, TILE), np.float32)
    unused = np.zeros(TILE, np.float32)
    for i in range(queries.shape[0]):
        for cell in range(starts.shape[0] - 1):
            rows[:] = np.float32(0.0)
            for j in range(starts[cell], starts[cell + 1]):
                _tile_pair(axes, (queries[i], tiles[j]), (weights[j], weights[j]), rows, unused)
            _add_rows(rows, columns[cell], sums[i])


CACHED = add_pairs


def warm() -> None:
    """Call every kernel of this module once."""
    for width in WIDTHS:
        points = np.arange(4.0 * width).reshape(4, width)
        laid_out = cells(points, np.ones(4), np.array([0, 0, 1, 1]), np.array([[0], [1]]))
        exact_sums(laid_out, 2)
        query_sums(laid_out, points, 2)
