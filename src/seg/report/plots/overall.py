"""What a figure of a sample of customers says of all of them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Overall:
    """What is known of all customers, where silhouettes are of a sample.

    Parameters
    ----------
    mean : float
        Mean silhouette to mark, perhaps of more customers than are drawn.
    sizes : dict of int to int
        Customers of each segment: small segments have a larger part of a sample than of everyone.
    means : dict of int to float
        Mean silhouette of each segment, where it is better known than by the drawn values.
    """

    mean: float
    sizes: dict[int, int] = field(default_factory=dict)
    means: dict[int, float] = field(default_factory=dict)
