"""Look at exported tables in the browser: segments, money by month, movement, lists to download. On this machine only.

    seg export run=runs/2026-11-22/19-04-02-flo sink=parquet sink.folder=exports
    seg dashboard source=exports                             then open http://127.0.0.1:8050
    seg dashboard source=postgresql://ana@db/crm port=8051   the password in PGPASSWORD

source   the folder of sink=parquet, or postgresql://host/database
port     of the page (8050)
locale   how numbers are written: en, de, tr or pt (en)
schema, prefix   of the tables in PostgreSQL (public, seg_)

The page needs no network, reads only, and answers on 127.0.0.1 alone. It needs the extra dashboard: pip install 'seg[dashboard]'.
Filters by group, such as country, need a run with by=country. Ctrl-C ends it.
"""

from __future__ import annotations

from collections.abc import Sequence

from seg.cli import options, own_end
from seg.errors import SegError
from seg.segments import formats

OWN = {"source": None, "port": "8050", "locale": "en", "schema": "public", "prefix": "seg_"}
HOST = "127.0.0.1"


def dashboard(*arguments: str) -> int:
    """Serve the page until it is interrupted."""
    own, further = options.options(arguments, OWN)
    if further:
        raise SegError(f"{further[0]}: unknown option; expected {', '.join(OWN)}")
    if not own["source"]:
        raise SegError("source=... is required: the folder of sink=parquet, or postgresql://host/database")
    if not own["port"].isdecimal() or not 1 <= int(own["port"]) <= 65_535:
        raise SegError(f"port={own['port']}: expected a number from 1 to 65535")
    if own["locale"] not in formats.LOCALES:
        raise SegError(f"locale={own['locale']}: expected one of {', '.join(formats.LOCALES)}")
    locale = formats.locale(own["locale"])
    try:
        import dash  # noqa: F401 - a second that errors need not wait for
    except ImportError:
        raise SegError(
            "seg dashboard: the package dash is not installed; install it with pip install 'seg[dashboard]'"
        ) from None
    from seg.report.dashboard import app, exported_tables

    exports = exported_tables.connect(own["source"], own["schema"], own["prefix"])
    server = app.server(exports, HOST, int(own["port"]), locale)
    print(f"open http://{HOST}:{own['port']}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct."""
    return options.execute(__doc__, dashboard, arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
