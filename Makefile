# The two commands to know: `make study` runs a whole study, `make test` checks the code. Each sets up .venv by itself.
STUDY ?= demo
PYTHON ?= python3
PORT ?= 8080
READY := .venv/.ready
# One process per core, each with one thread; the tests of a file stay together, for they share what they have run.
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses=logical --dist=loadfile --cov --cov-report=term:skip-covered
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export GIT_PYTHON_REFRESH := quiet

.PHONY: help setup study test test-all ui dashboard clean

help:
	@echo "make study [STUDY=demo] [SET='key=value ...']   compose a study, run what is not up to date, write its report"
	@echo "make test                                       lint, types, tests with coverage"
	@echo "make test-all                                   the same with the slow tests"
	@echo "make ui                                         MLflow's pages of all runs, on port 5000"
	@echo "make dashboard STORAGE=URL [PORT=8080]          optuna-dashboard of a sweep"
	@echo "make clean                                      remove all results, runs and the environment"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@echo "setting up .venv (once; about two minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "synthtrial needs Python 3.11 or newer: make PYTHON=python3.12")'
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

study: $(READY)
	@python pipelines/compose.py study=$(STUDY) $(SET)
	@dvc repro
	@echo "read the verdict: out/$$(sed -n 's/^  name: //p' params.yaml | head -n 1)/report/report.html"

test: $(READY)
	ruff check .
	ruff format --check .
	mypy
	$(PYTEST) -m "not slow"

test-all: $(READY)
	ruff check .
	ruff format --check .
	mypy
	$(PYTEST)

ui: $(READY)
	mlflow ui --backend-store-uri sqlite:///mlflow.db --port 5000

# A sweep prints its storage when it starts; optuna-dashboard knows a journal by the path of its file alone.
dashboard: $(READY)
	@test -n "$(STORAGE)" || { echo "say which: make dashboard STORAGE=sqlite:///out/STUDY/sweeps/SWEEP/optuna.db"; exit 1; }
	optuna-dashboard "$(patsubst journal:%,%,$(STORAGE))" --port $(PORT)

clean:
	rm -rf out mlflow.db* mlartifacts .venv .dvc/tmp .dvc/cache
