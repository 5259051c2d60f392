"""Connect, read, register: the engines behind Ibis, one module each.

Everything above (adapters, cleaning, features) is written once as Ibis expressions, so that a second engine
needs the methods of `DuckDBEngine` and nothing else. What any of them needs before it reads is in `files`.
"""

from seg.engine.duckdb import DuckDBEngine
from seg.engine.files import FORMATS, REJECT_COLUMNS, Raw, Reading, file_format

__all__ = ["FORMATS", "REJECT_COLUMNS", "DuckDBEngine", "Raw", "Reading", "file_format"]
