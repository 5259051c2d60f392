"""The glossary: what each number about a customer means, and how a recipe becomes a table of them."""

from seg.features.glossary import GLOSSARY
from seg.features.recipe import check, check_as_of, parse
from seg.features.table import FeatureTable, Plan, build, catalogue, plan

__all__ = ["GLOSSARY", "FeatureTable", "Plan", "build", "catalogue", "check", "check_as_of", "parse", "plan"]
