"""Measures of a clustering: arrays in, numbers out."""
