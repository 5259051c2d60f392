"""A page over exported tables: segments, money by month, movement between segments, lists."""
