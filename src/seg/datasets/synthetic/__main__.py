"""Write the samples: python -m seg.datasets.synthetic datasets."""

import sys

from seg.datasets.synthetic import write_samples

for written in write_samples(*sys.argv[1:2]):
    print(f"{written}: {written.stat().st_size:,} bytes")
