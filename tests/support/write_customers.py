"""Write customers to a sink, in a process that a test kills meanwhile: the place of the sink comes as JSON."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "sinks"))

import test_sinks

place = test_sinks.Place.__new__(test_sinks.Place)
vars(place).update(json.loads(sys.argv[1]))
place.folder = Path(place.folder)
rows = test_sinks.export(n=30_000, further=True)
print("ready", flush=True)
place.sink().write(rows)
