# The two commands of a newcomer: `make demo` and `make test`. Both make the venv and install what is missing.
# `make check` is the quick half of what CI runs. No target needs another to have been called first.

VENV    := .venv
PYTHON  := $(VENV)/bin/python
SOURCES := sentinel drivers tests

.PHONY: demo test check lint unit bench crash faults clean

demo: $(VENV)/.demo        ## a simulated branch with its station, in this terminal
	$(PYTHON) -m sentinel.cli demo $(ARGS)

test: $(VENV)/.dev         ## everything, against real servers
	bash .ci/servers
	$(PYTHON) -m pytest -n 3 --dist loadgroup $(ARGS)

check: lint unit           ## under two minutes: style, types, architecture, unit tests

lint: $(VENV)/.dev
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/mypy $(SOURCES)

unit: $(VENV)/.dev
	$(PYTHON) -m pytest -q -n 2 -m "not real and not slow" --ignore tests/stories $(ARGS)

bench: $(VENV)/.dev        ## the figures of README and docs, measured here
	bash .ci/servers
	$(PYTHON) -m tests.bench $(ARGS)

crash: $(VENV)/.dev        ## kill -9 of the whole daemon, 1,000 times
	bash .ci/servers
	SENTINEL_KILLS=1000 $(PYTHON) -m pytest -q --timeout 0 tests/crash $(ARGS)

faults: $(VENV)/.dev       ## a million damaged replies to each driver, no wrong value taken for right
	SENTINEL_FAULTS=1000000 $(PYTHON) -m pytest -q --timeout 0 tests/drivers $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	bash .ci/venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.demo
