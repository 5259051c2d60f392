"""Own estimators only; every other scaler and clusterer is a YAML that names scikit-learn's."""
