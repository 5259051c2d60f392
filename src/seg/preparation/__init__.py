"""From raw rows to a feature table, of all orders or of those up to a day."""
