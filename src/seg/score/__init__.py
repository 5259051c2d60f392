"""Segments for new customers: the model card, the scorer, a replay of the training pipeline."""
