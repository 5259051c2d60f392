"""Exact Lloyd passes over weighted points in blocks: a block whose box lies with one centre is added as a whole."""

from __future__ import annotations

import math

import numpy as np

from seg.metrics.kernels.compilation import exact_kernel, kernel, part
from seg.metrics.kernels.seeding import plus_plus

LANES = 64  # points of a block; a constant, so that loops over them become vector instructions
BLOCKS = 16  # of a group, which is tested before its blocks are


class Blocks:
    """Weighted points in blocks of 64, feature by feature, with the box and the sums of each.

    Parameters
    ----------
    values : ndarray of shape (m, d), float32 or float64
        Neighbours beside each other, see `seg.metrics.kernels.ordering`; sizes below 1.
    weights : ndarray of shape (m,), same dtype
    """

    def __init__(self, values: np.ndarray, weights: np.ndarray):
        self.n, self.d = values.shape
        count = -(-self.n // LANES)
        padded = np.minimum(
            np.arange(count * LANES), self.n - 1
        )  # the last block is filled up with weightless points
        self.values = np.ascontiguousarray(values[padded].reshape(count, LANES, self.d).transpose(0, 2, 1))
        self.weights = np.zeros((count, LANES), values.dtype)
        self.weights.reshape(-1)[: self.n] = weights
        self.low, self.high = self.values.min(axis=2), self.values.max(axis=2)
        # Sums of weight x value, weight, and weight x squared length.
        self.sums = np.empty((count, self.d + 2))
        _block_sums(self.values, self.weights, self.sums)
        starts = np.arange(0, count, BLOCKS)
        self.group_low = np.minimum.reduceat(self.low, starts, axis=0)
        self.group_high = np.maximum.reduceat(self.high, starts, axis=0)
        self.group_sums = np.add.reduceat(self.sums, starts, axis=0)
        total = self.group_sums.sum(axis=0)
        self.weight = total[self.d]
        mean = total[: self.d] / self.weight
        # Mean variance of a feature, the unit of `tol`.
        self.variance = max(total[self.d + 1] / self.weight - mean @ mean, 0.0) / self.d
        self._margin = values.dtype.type((8 + self.d) * np.finfo(values.dtype.type).eps)
        self._arrays = (
            (self.values, self.weights, self.low, self.high, self.sums),
            (self.group_low, self.group_high, self.group_sums),
        )

    def step(self, centres: np.ndarray, sums: np.ndarray, labels: np.ndarray | None = None) -> None:
        """Assign all points to their nearest centres, exactly.

        Parameters
        ----------
        centres : ndarray of shape (k, d)
        sums : ndarray of shape (k, d + 2)
            Filled with the sums of weight x value, weight, and weight x squared distance of each cluster.
        labels : ndarray of shape (number of blocks x 64,), int32, optional
            Filled with the cluster of each point.
        """
        dtype = self.values.dtype.type
        labels = _NO_LABELS if labels is None else labels
        lloyd_pass(*self._arrays, centres.astype(dtype), self._margin, sums, labels)

    def labels(self, centres: np.ndarray) -> np.ndarray:
        """Return the nearest centre (m,) of each point."""
        labels = np.empty(len(self.values) * LANES, np.int32)
        self.step(centres, np.empty((len(centres), self.d + 2)), labels)
        return labels[: self.n]

    def lloyd(self, centres: np.ndarray, tol: float, max_iter: int) -> tuple[np.ndarray, float, int]:
        """Run Lloyd's algorithm until the squared shift of the centres is at most `tol` variances.

        Parameters
        ----------
        centres : ndarray of shape (k, d)
            To start from.
        tol : float
            In mean variances of the features.
        max_iter : int

        Returns
        -------
        centres : ndarray of shape (k, d)
        inertia : float
            Of the assignment that gave these centres.
        iterations : int
        """
        centres = np.array(centres, dtype=np.float64)
        sums = np.empty((len(centres), self.d + 2))
        rounded = centres.astype(self.values.dtype)
        iteration = 0
        while iteration < max_iter:
            iteration += 1
            lloyd_pass(*self._arrays, rounded, self._margin, sums, _NO_LABELS)
            shift = move_centres(sums, centres, rounded)
            if shift < 0:
                moved = self._means(centres, sums)
                shift = float(((moved - centres) ** 2).sum())
                centres, rounded = moved, moved.astype(self.values.dtype)
            if shift <= tol * self.variance:
                break
        return centres, float(sums[:, self.d + 1].sum()), iteration

    def seed(self, k: int, random: np.random.Generator) -> np.ndarray:
        """Return k centres (k, d) by greedy k-means++, as scikit-learn seeds."""
        trials = 2 + int(math.log(k))
        centres = np.empty((k, self.d), self.values.dtype)
        plus_plus(self.values, self.weights, random.random((k, trials)), centres)
        return centres.astype(np.float64)

    def _means(self, centres: np.ndarray, sums: np.ndarray) -> np.ndarray:
        weights = sums[:, self.d]
        moved = centres.copy()
        filled = weights > 0
        moved[filled] = sums[filled, : self.d] / weights[filled, None]
        if not filled.all():
            moved[~filled] = self._farthest(moved[filled], int((~filled).sum()))
        return moved

    def _farthest(self, centres: np.ndarray, count: int) -> np.ndarray:
        """Return the points that cost most, where centres without points go."""
        labels = self.labels(centres)
        points = self.values.transpose(0, 2, 1).reshape(-1, self.d)[: self.n].astype(np.float64)
        cost = self.weights.reshape(-1)[: self.n] * ((points - centres[labels]) ** 2).sum(axis=1)
        return points[np.argsort(-cost, kind="stable")[:count]]


_NO_LABELS = np.empty(0, np.int32)


@kernel
def _block_sums(values, weights, sums):
    """Fill the sums (blocks, d + 2) of each block, in float64."""
    count, d, _ = values.shape
    sums[:] = 0.0
    for b in range(count):
        for j in range(LANES):
            w = np.float64(weights[b, j])
            sums[b, d] += w
            for f in range(d):
                v = np.float64(values[b, f, j])
                sums[b, f] += w * v
                sums[b, d + 1] += w * v * v


@part
def _candidates(low, high, centres, margin, among, kept):
    """Keep, of the centres `among`, those that can be nearest to a point of the box; return how many.

    A centre is dropped if the one nearest to the middle of the box is nearer even at the corner that suits it best
    (Pelleg and Moore 1999, "Accelerating exact k-means algorithms with geometric reasoning").
    """
    d = low.shape[0]
    zero = low.dtype.type(0)
    half = low.dtype.type(0.5)
    best = among[0]
    least = zero
    for i in range(among.shape[0]):
        c = among[i]
        s = zero
        for f in range(d):
            t = half * (low[f] + high[f]) - centres[c, f]
            s += t * t
        if i == 0 or s < least:
            least = s
            best = c
    count = 0
    for i in range(among.shape[0]):
        c = among[i]
        if c != best:
            s = zero
            size = zero
            for f in range(d):
                a = centres[c, f]
                e = centres[best, f]
                corner = high[f] if a > e else low[f]
                t = (e - a) * (corner + corner - a - e)
                s += t
                size += abs(t)
            if s > margin * size:
                continue
        kept[count] = c
        count += 1
    return count


@part
def _add_whole(block, centre, cluster):
    """Add the sums of a whole block to those of a cluster."""
    d = centre.shape[0]
    cost = block[d + 1]
    for f in range(d):
        c = np.float64(centre[f])
        cost += c * (block[d] * c - 2 * block[f])
        cluster[f] += block[f]
    cluster[d] += block[d]
    cluster[d + 1] += cost


@part
def _nearest(values, centres, kept, best, distance, label):
    """Fill the least squared distance and its centre, for each point of a block."""
    d = values.shape[0]
    for i in range(kept.shape[0]):
        c = kept[i]
        v = centres[c, 0]
        for j in range(LANES):
            t = values[0, j] - v
            distance[j] = t * t
        for f in range(1, d):
            v = centres[c, f]
            for j in range(LANES):
                t = values[f, j] - v
                distance[j] += t * t
        if i == 0:
            for j in range(LANES):
                best[j] = distance[j]
                label[j] = c
        else:
            for j in range(LANES):
                old = label[j]
                label[j] = c if distance[j] < best[j] else old
                best[j] = min(best[j], distance[j])


@part
def _add_points(values, weights, kept, best, label, member, sums):
    """Add the points of a block to the sums of their clusters."""
    d = values.shape[0]
    for i in range(kept.shape[0]):
        c = kept[i]
        zero = weights.dtype.type(0)
        total = zero
        cost = zero
        for j in range(LANES):
            t = weights[j] if label[j] == c else zero
            member[j] = t
            total += t
            cost += t * best[j]
        if total > 0:
            sums[c, d] += total
            sums[c, d + 1] += cost
            for f in range(d):
                s = zero
                for j in range(LANES):
                    s += member[j] * values[f, j]
                sums[c, f] += s


@kernel
def lloyd_pass(blocks, groups, centres, margin, sums, labels):
    """Assign every point to its nearest centre; fill the sums of clusters, and the labels if there is room.

    Parameters
    ----------
    blocks : tuple of ndarray
        Values (b, d, LANES) and weights (b, LANES) of points, the lowest and highest value (b, d) of each block, and its sums.
    groups : tuple of ndarray
        Lowest and highest values and sums of every `BLOCKS` blocks.
    centres : ndarray of shape (k, d)
    margin : float
        Relative: a centre is ruled out for a whole block if another one is nearer by more than that, so that rounding decides nothing.
    sums : ndarray of shape (k, d + 2)
        Is filled: sums of the features, of the weights, of the squared distances.
    labels : ndarray of shape (b * LANES,) or (0,)
        Is filled, if there is room.
    """
    values, weights, low, high, block_sums = blocks
    group_low, group_high, group_sums = groups
    k = centres.shape[0]
    everyone = np.arange(k).astype(np.int32)
    some = np.empty(k, np.int32)
    few = np.empty(k, np.int32)
    best = np.empty(LANES, values.dtype)
    distance = np.empty(LANES, values.dtype)
    member = np.empty(LANES, values.dtype)
    label = np.empty(LANES, np.int32)
    sums[:] = 0.0
    store = labels.shape[0] > 0
    for g in range(group_low.shape[0]):
        first = g * BLOCKS
        last = min(values.shape[0], first + BLOCKS)
        n_some = _candidates(group_low[g], group_high[g], centres, margin, everyone, some)
        if n_some == 1:
            _add_whole(group_sums[g], centres[some[0]], sums[some[0]])
            if store:
                labels[first * LANES : last * LANES] = some[0]
            continue
        for b in range(first, last):
            n_few = _candidates(low[b], high[b], centres, margin, some[:n_some], few)
            if n_few == 1:
                _add_whole(block_sums[b], centres[few[0]], sums[few[0]])
                if store:
                    labels[b * LANES : (b + 1) * LANES] = few[0]
                continue
            _nearest(values[b], centres, few[:n_few], best, distance, label)
            _add_points(values[b], weights[b], few[:n_few], best, label, member, sums)
            if store:
                for j in range(LANES):
                    labels[b * LANES + j] = label[j]


@exact_kernel
def move_centres(sums, centres, rounded):
    """Move centres to the means of their points; return the squared shift of all, or -1 and no move where one has no points.

    Parameters
    ----------
    sums : ndarray of shape (k, d + 2)
        From `lloyd_pass`.
    centres : ndarray of shape (k, d), float64
        Changed in place.
    rounded : ndarray of shape (k, d)
        Filled with the new centres in the precision of the blocks.

    Notes
    -----
    One call for each pass, from Python: a loop here around `lloyd_pass` would have it compiled anew, with sums in another order.
    """
    k, d = centres.shape
    for c in range(k):
        if not sums[c, d] > 0:
            return -1.0
    shift = 0.0
    for c in range(k):
        for f in range(d):
            mean = sums[c, f] / sums[c, d]
            t = mean - centres[c, f]
            shift += t * t
            centres[c, f] = mean
            rounded[c, f] = mean
    return shift


def warm() -> None:
    """Call every kernel of this module once, in both precisions."""
    points = np.arange(6.0).reshape(3, 2)
    for dtype in (np.float32, np.float64):
        blocks = Blocks(points.astype(dtype), np.ones(3, dtype))
        blocks.lloyd(points[:2], 0.0, 2)
        blocks.labels(points[:2])
