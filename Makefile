PYTHON ?= python3
ARGS ?=
# uv installs in a third of the time; pip where it is missing. Both take the versions of constraints.txt.
UV := $(shell command -v uv 2>/dev/null)

run: .venv/installed            ## set up, then segment (ARGS="dataset=toy k=auto" for something else)
	.venv/bin/seg run $(or $(ARGS),dataset=flo model=kmeans k=4)

test: .venv/developer           ## set up, then all tests (ARGS="-m 'not spark'" for a part)
	PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)    # compiled tests are kept: ten seconds a process. Three: many tests wait for a server or a JVM

test-light: .venv/developer     ## the tests that need neither a JVM nor UMAP
	$(MAKE) test ARGS="-m 'not spark and not umap' $(ARGS)"

lint: .venv/developer           ## style, format, import contracts
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/lint-imports

fuzz: .venv/developer           ## damage the bytes of a thousand files and read them (three minutes; ARGS="5000 1000" for others)
	PYTHONPATH=tests/support .venv/bin/python tests/inputs/fuzz_reading.py $(or $(ARGS),1000)

mutants: .venv/developer        ## change one operator of seg at a time: do the tests of its package notice? (eleven minutes; ARGS="160 7" for 160 of seed 7)
	$(call install,.[mutants])
	.venv/bin/python tests/mutants.py $(ARGS)

kills: .venv/developer          ## kill run, sweep, promote, score and push at thirty moments, each sink at ten, and look at what they leave (eight minutes)
	PYTHONPATH=tests/support .venv/bin/python tests/inputs/kill_commands.py $(or $(ARGS),30)
	PYTHONPATH=tests/support .venv/bin/python tests/inputs/kill_commands.py sinks 10

docs: .venv/developer           ## the documentation as a site in docs/_build; a warning is an error
	.venv/bin/python -m sphinx -W --keep-going -q -c docs . docs/_build
	@echo "open docs/_build/docs/index.html"

reference: .venv/developer      ## write docs/reference.md from configs, glossary and cleaning steps
	.venv/bin/python docs/make_reference.py

ui: .venv/installed             ## compare runs in the browser, on this machine only (PORT=5001 for another port)
	.venv/bin/seg track ui port=$(or $(PORT),5000)

bench: .venv/developer          ## speed beside scikit-learn and a bare script, as a Markdown table (fifteen minutes)
	.venv/bin/python bench/speed.py $(ARGS)

bench-small: .venv/developer    ## three of its comparisons on 5,000 customers; fails where a ratio is twice the stored one (half a minute)
	.venv/bin/python bench/speed.py --small --check bench/ratios.json

bench-rules: .venv/developer    ## how often each rule finds the k of generated data, speed of scoring and of a job beside fitting (ten minutes)
	.venv/bin/python bench/choose_k.py $(ARGS)
	.venv/bin/python bench/score.py
	.venv/bin/python bench/overhead.py

bench-truth: .venv/developer    ## what the verdicts rest on: null test, choice of k, intervals, RFM rules beaten or not (three quarters of an hour on two idle cores, from the processor time of its parts)
	.venv/bin/python bench/calibrate_null.py --sets 18
	.venv/bin/python bench/calibrate_null.py --unseen --sets 10
	.venv/bin/python bench/choose_k.py --half report
	.venv/bin/python bench/choose_k.py --public
	.venv/bin/python bench/choose_k.py --shapes 12
	.venv/bin/python bench/choose_k.py --unseen 2
	.venv/bin/python bench/intervals.py
	.venv/bin/python bench/beat_rfm.py online_retail_ii 2010-12-01 2011-03-10 2011-06-10 2011-09-10
	.venv/bin/python bench/beat_rfm.py online_retail 2011-06-10 2011-09-10

bench-amazon: .venv/developer   ## Amazon Reviews at full size, invented: features against SQL and Spark, then the experiment (seven minutes)
	.venv/bin/python bench/amazon.py $(ARGS)

bench-scale: .venv/developer    ## cost and memory against rows and customers on DuckDB and Spark, as docs/scale.md shows (forty minutes for all sizes)
	.venv/bin/python bench/scale.py $(ARGS)

wheel: .venv/developer          ## the package in dist/
	.venv/bin/python -c "from setuptools import build_meta; build_meta.build_wheel('dist')"

.venv/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'seg needs Python 3.11 or newer: make run PYTHON=python3.12')"
ifdef UV
	$(UV) venv --quiet --python $(PYTHON) .venv
else
	$(PYTHON) -m venv .venv
endif

# What a run needs, without Spark and the tools of developers.
.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(call install,.)
	.venv/bin/python -m seg.metrics.kernels        # compile once: half a minute that no run waits for
	touch $@

.venv/developer: .venv/installed
	$(call install,.[dev])
	.venv/bin/python -m seg.engine.java_classes    # Spark starts in half of the time then, fifteen times in the tests
	touch $@

ifdef UV
install = $(UV) pip install --quiet --python .venv/bin/python --constraint constraints.txt --editable '$(1)'
else
install = .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '$(1)'
endif

.PHONY: run test test-light lint fuzz mutants kills docs reference ui bench bench-small bench-rules bench-truth bench-amazon bench-scale wheel
