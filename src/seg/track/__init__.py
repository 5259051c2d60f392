"""The one package with MLflow: runs, and the store that keeps them."""

from seg.track.commit import git_commit
from seg.track.tracker import MLflowTracker, NoTracker, Outcome

__all__ = ["MLflowTracker", "NoTracker", "Outcome", "git_commit"]
