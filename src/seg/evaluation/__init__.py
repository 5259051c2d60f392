"""Scores of a segmentation: arrays and labels in, numbers out, never estimators."""
