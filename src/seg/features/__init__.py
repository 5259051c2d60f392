"""The glossary: what each number about a customer means, and how a recipe becomes a table of them."""

from seg.features import windows  # registers its entries in the glossary
from seg.features.feature_table import FeatureRequest, FeatureTable, Plan, build, catalogue, plan
from seg.features.glossary import GLOSSARY
from seg.features.recipe import check, check_as_of, parse, serves

__all__ = [
    "GLOSSARY",
    "FeatureRequest",
    "FeatureTable",
    "Plan",
    "build",
    "catalogue",
    "check",
    "check_as_of",
    "parse",
    "plan",
    "serves",
    "windows",
]
