"""The settings of a run: what can be set, composed from YAML and overrides, and checked."""
