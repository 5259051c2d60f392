PYTHON ?= python3
ARGS ?=

run: .venv/installed            ## set up, then segment (ARGS="dataset=toy k=auto" for something else)
	.venv/bin/python -m seg.run $(or $(ARGS),dataset=flo model=kmeans k=4)

test: .venv/installed           ## set up, then all tests (ARGS="-m 'not spark'" for a part)
	.venv/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: .venv/installed           ## style, format, import contracts
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/lint-imports

fuzz: .venv/installed           ## damage the bytes of a thousand files and read them (three minutes; ARGS="5000 1000" for others)
	PYTHONPATH=tests .venv/bin/python tests/inputs/fuzz_reading.py $(or $(ARGS),1000)

ui: .venv/installed             ## compare runs in the browser, on this machine only (PORT=5001 for another port)
	.venv/bin/python -m seg.track ui port=$(or $(PORT),5000)

bench: .venv/installed          ## speed against a bare script, of scoring, of a job beside fitting; how often each rule finds the k of generated data (20 minutes)
	.venv/bin/python bench/flo_run.py
	.venv/bin/python bench/choose_k.py $(ARGS)
	.venv/bin/python bench/score.py
	.venv/bin/python bench/overhead.py

bench-amazon: .venv/installed   ## Amazon Reviews at full size, invented: features against SQL and Spark, then the experiment (seven minutes)
	.venv/bin/python bench/amazon.py $(ARGS)

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'seg needs Python 3.11 or newer: make run PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	.venv/bin/python -m seg.kernels
	touch $@

.PHONY: run test lint fuzz ui bench bench-amazon
