"""The glossary: what each number about a customer means, and how a recipe becomes a table of them."""
