# Two commands matter: `make demo` and `make test`. Both set themselves up; they need Python 3.11+ and make.
PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := .venv/bin
UV := $(BIN)/uv
export UV_COMPILE_BYTECODE := 1
export UV_LINK_MODE := copy
export DO_NOT_TRACK := 1
# Most tests wait for a server of their own, so two at a time take half as long. A file stays in one process: its tests
# share what is dear to make.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-slow test-all test-warehouses screenshots lint lint-sql hooks format types lock bench clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.venv/.venv-made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Gondola needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv \
	  || { echo "Python's venv module is missing (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.runtime: .venv/.venv-made requirements.lock pyproject.toml
	@test -e .venv/.dev || $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@test -e .venv/.dev || $(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.venv/.dev: .venv/.venv-made requirements-dev.lock pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# What npm brings for the tests: Azurite, the Azure Blob emulator, and axe, which judges pages.
node_modules/.installed: package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund; \
	  else echo "npm not found: tests on the Azure emulator and with axe will be skipped"; mkdir -p node_modules; fi
	@touch $@

setup: .venv/.runtime ## Install what Gondola needs to run, into .venv

setup-dev: .venv/.dev node_modules/.installed ## Install what tests and linters need, too

demo: .venv/.runtime ## Crawl the sandbox's stores for two days, build the models, show the result; offline
	$(BIN)/gondola demo

test: setup-dev ## Run the tests
	$(PYTEST) -m "not slow"

test-slow: setup-dev ## Run only the tests that take minutes
	$(PYTEST) -m slow

test-all: setup-dev ## Run all tests, the slow ones included
	$(PYTEST)

# Spark needs a Java of 17 or newer and half a gigabyte, so it has an environment of its own and is no part of `test`.
.venv-warehouses/.made: requirements-dev.lock pyproject.toml .venv/.venv-made
	$(PYTHON) -m venv .venv-warehouses
	$(UV) pip install --quiet --python .venv-warehouses/bin/python -r requirements-dev.lock
	$(UV) pip install --quiet --python .venv-warehouses/bin/python --constraint requirements-dev.lock --editable '.[spark]'
	@touch $@

test-warehouses: .venv-warehouses/.made ## Build the models on a local Spark and compare them with DuckDB's (minutes)
	.venv-warehouses/bin/python -m pytest tests/warehouses/check_spark.py --timeout 1800

screenshots: setup-dev ## Make the pictures of the docs anew, by the browser tests
	DOCS_SCREENSHOTS=1 $(BIN)/python -m pytest tests/serving/dashboard/test_browser.py

lint: setup-dev ## Check style, SQL and YAML
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	@$(MAKE) --no-print-directory lint-sql

lint-sql: setup-dev ## Check the style of SQL
	mkdir -p dbt_project/target
	cd dbt_project && GONDOLA_LAKE=target/lint GONDOLA_WAREHOUSE=target/lint.duckdb \
	  ../$(BIN)/sqlfluff lint models tests macros --disable-progress-bar

types: setup-dev ## Check types, strictly
	$(BIN)/mypy

format: setup-dev ## Rewrite the code in the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hooks: setup-dev ## Check each commit before it is made
	$(BIN)/pre-commit install --hook-type pre-commit --hook-type pre-push

bench: setup-dev ## Measure, against Scrapy, a bare HTTP loop and a tuned SQL script (minutes)
	$(BIN)/python -m benchmarks.crawl
	$(BIN)/python -m benchmarks.transform
	$(BIN)/python -m benchmarks.events
	$(BIN)/python -m benchmarks.sales --rows 1000000
	$(BIN)/python -m benchmarks.serving

LOCK := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-annotate --no-header

lock: .venv/.venv-made ## Renew the lock files from pyproject.toml
	$(LOCK) --upgrade --extra dashboard --group test --group lint --group bench -o requirements-dev.lock
	$(LOCK) -c requirements-dev.lock --extra dashboard -o requirements.lock
	$(LOCK) -c requirements-dev.lock -o requirements-worker.lock

clean: ## Remove what set-up and builds left, data excepted
	rm -rf .venv .venv-warehouses node_modules .pytest_cache .mypy_cache .ruff_cache dbt_project/target dbt_project/logs
