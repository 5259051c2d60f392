"""A model of outcomes gets what it learns from: the parts of a run with a lesson in the scaled features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.pipeline import Pipeline

from seg.config.parts import Parts
from seg.models.outcome_tiers import Lesson
from seg.preparation.lessons import Lessons


def taught(parts: Parts, scaling: Pipeline, lessons: Lessons | None) -> Parts:
    """Return parts whose clusterer has the lesson; the parts themselves without one.

    Parameters
    ----------
    parts : Parts
    scaling : Pipeline
        Transforms and scaler, fitted to the customers who are segmented.
    lessons : Lessons or None
    """
    if lessons is None:
        return parts
    X = np.asarray(scaling.transform(lessons.frame), dtype="float64")
    lesson = Lesson(X, lessons.spend, lessons.customers)
    return replace(parts, make_clusterer=lambda k: parts.make_clusterer(k).set_params(lesson=lesson))
