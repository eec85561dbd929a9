# Freehold: `make run` starts everything, `make test` tests everything, `make help` lists the rest.

PORT ?= 8000
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
# Where PyTorch's CPU build lies, for machines without a GPU: https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
export PORT
export FREEHOLD_SITE_URL ?= http://127.0.0.1:$(PORT)

.DEFAULT_GOAL := help
.PHONY: help setup lock index run test test-long test-deployment coverage test-slow test-gpu check format bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

LOCKS := pyproject.toml $(wildcard requirements/*.txt) requirements/install.py
INSTALL = $(BIN)/python requirements/install.py --editable --torch-index '$(TORCH_INDEX)'

$(VENV)/.run: $(LOCKS) | $(BIN)/python
	$(INSTALL) run
	@touch $@

$(VENV)/.dev: $(LOCKS) | $(BIN)/python
	$(INSTALL) dev
	@touch $@ $(VENV)/.run

# The packages of package-lock.json, which only check JavaScript; none of them runs in a browser.
node_modules/.done: package.json package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null || \
	  { echo "The JavaScript checks need Node 20.19 or newer, with npm; install them from your system's packages or https://nodejs.org, then run this again." >&2; exit 1; }
	npm ci --ignore-scripts
	@touch $@

setup: $(VENV)/.dev ## install everything for developing, each file checked against its hash

lock: $(VENV)/.dev ## renew the versions and hashes that are installed; KEEP=1 changes only what pyproject.toml asks
	$(BIN)/python requirements/lock.py $(if $(KEEP),--keep)

index: $(VENV)/.dev ## look at every architecture of timm, torchvision and transformers; half an hour
	$(BIN)/python -m metalearn.networks.indexing

run: $(VENV)/.run ## start web, workers and the demo at http://127.0.0.1:$PORT
	@exec $(BIN)/python manage.py up --port $(PORT)

test: $(VENV)/.dev ## run the suite; INSTALL=1 first installs missing servers and Chromium with apt
	$(BIN)/python -m tests.run $(if $(INSTALL),--install)

test-long: $(VENV)/.dev ## the tests that take seconds each: journeys, graphs of large networks; CI runs them, too
	$(BIN)/python -m tests.run --long

test-deployment: $(VENV)/.dev ## only what touches PostgreSQL, Redis and the S3 store, on real ones, installed if missing
	$(BIN)/python -m tests.run --on-servers --install

test-slow: $(VENV)/.dev ## every test, also those that take minutes
	$(BIN)/python -m tests.run --slow

coverage: $(VENV)/.dev ## branch coverage of what CI runs; fails below 90 %
	$(BIN)/coverage erase
	$(BIN)/python -m tests.run --long --cov --cov-append --cov-report= --cov-fail-under=0
	$(BIN)/python -m tests.run --cov --cov-append --cov-report=term

test-gpu: $(VENV)/.dev ## the tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu

# The hooks in .pre-commit-config.yaml are the same commands; a test compares them.
check: $(VENV)/.dev node_modules/.done ## Python, JavaScript and templates: style, types, contracts; needs Node
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint templates --check --lint --quiet
	node_modules/.bin/eslint .
	node_modules/.bin/tsc
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy contract metalearn marketplace worker tests
	$(BIN)/python manage.py makemigrations --check --dry-run
	env FREEHOLD_SITE_URL=https://freehold.example $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.dev node_modules/.done ## format and fix what can be fixed; needs Node
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint templates --reformat --quiet
	node_modules/.bin/eslint --fix .

bench: $(VENV)/.dev ## measure speed and memory, write docs/benchmarks/speed.md
	$(BIN)/python -m benchmarks

clean: ## remove what was installed and made; the data in var/ stays
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache *.egg-info
