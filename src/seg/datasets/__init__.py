"""One adapter a file: `load` turns raw files into transactions or customers."""
