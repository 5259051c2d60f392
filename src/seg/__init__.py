"""From raw orders to customer segments that people can trust, every attempt comparable."""

__version__ = "0.1.0"
