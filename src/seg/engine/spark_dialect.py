"""Ibis' SQL for Spark, held to the meaning that the same expression has on DuckDB."""

from __future__ import annotations

import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.backends.sql.datatypes import PySparkType
from ibis.expr import datatypes as dt


class Types(PySparkType):
    """A timestamp is a time of day and date, as in the files; Spark's own default is an instant in a zone."""

    @classmethod
    def _from_ibis_Timestamp(cls, dtype: dt.Timestamp) -> sge.DataType:
        kind = sge.DataType.Type.TIMESTAMPNTZ if dtype.timezone is None else sge.DataType.Type.TIMESTAMP
        return sge.DataType(this=kind)


class Compiler(PySparkCompiler):
    """Ibis' own compiler, but for what it spells with another meaning."""

    __slots__ = ()
    type_mapper = Types

    def visit_CountStar(self, op, *, arg, where):
        """Count rows: none is 0 and not NULL, with a condition too."""
        return super().visit_CountStar(op, arg=arg, where=None) if where is None else self.f.count_if(where)

    def visit_IsNull(self, op, *, arg):
        """NaN is a value."""
        return arg.is_(NULL)

    def visit_NotNull(self, op, *, arg):
        """NaN is a value."""
        return arg.is_(sg.not_(NULL))

    def visit_ExtractEpochSeconds(self, op, *, arg):
        """Count from 1970 in the zone of the session, which is UTC."""
        return self.f.unix_timestamp(self.cast(arg, dt.timestamp))
