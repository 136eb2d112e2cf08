"""Features whose directions all count the same: principal components, each divided by its own spread among good patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from seewhy.types import Features

KEPT = 0.99  # of the variance of good patches
SHRINKAGE = 0.07  # of the covariance towards equal variances, so that what hardly varies among few photos isn't all that counts


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums over good patches, from which those of a photo can be taken away."""

    count: int
    total: npt.NDArray[np.float64]  # (D,)
    products: npt.NDArray[np.float64]  # (D, D)

    @classmethod
    def of(cls, features: Features) -> Self:
        """Of patches (N, D)."""
        return cls(len(features), features.sum(0, dtype=np.float64), (features.T @ features).astype(np.float64))

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.count - other.count, self.total - other.total, self.products - other.products)


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """A linear map after which Euclidean distances are Mahalanobis distances.

    Mahalanobis PatchCore (arXiv 2605.27748); the shrinkage is that of Ledoit & Wolf (J. Multivariate Anal. 88, 2004, eq. 3), with a
    fixed weight.
    """

    middle: Features  # (D,)
    matrix: Features  # (D, K)

    @classmethod
    def of(cls, moments: Moments) -> Self:
        """From good patches; K is as small as `KEPT` of their variance allows."""
        middle = moments.total / moments.count  # (D,)
        variances, directions = np.linalg.eigh(moments.products / moments.count - np.outer(middle, middle))  # ascending
        variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
        total = float(variances.sum())
        kept = min(len(variances), 1 + int(np.searchsorted(np.cumsum(variances), KEPT * total)))
        spread = np.sqrt((1 - SHRINKAGE) * variances[:kept] + SHRINKAGE * variances[:kept].mean())  # (K,)
        matrix = directions[:, :kept] / np.maximum(spread, np.finfo(np.float32).tiny)
        return cls(middle.astype(np.float32), matrix.astype(np.float32))

    def __call__(self, features: Features) -> Features:
        """Whitened features, (N, K), of (N, D)."""
        whitened: Features = ((features - self.middle) @ self.matrix).astype(np.float32, copy=False)
        return whitened
