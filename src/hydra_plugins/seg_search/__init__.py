"""The sweeper of Hydra that searches by Optuna."""
