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
.PHONY: help setup lock index run test test-deployment coverage test-slow test-gpu check format bench clean

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

setup: $(VENV)/.dev ## install everything for developing, each file checked against its hash

lock: $(VENV)/.dev ## renew the versions and hashes that are installed; KEEP=1 changes only what pyproject.toml asks
	$(BIN)/python requirements/lock.py $(if $(KEEP),--keep)

index: $(VENV)/.dev ## look at every architecture of timm, torchvision and transformers; half an hour
	$(BIN)/python -m metalearn.networks.indexing

run: $(VENV)/.run ## start web, workers and the demo at http://127.0.0.1:$PORT
	@exec $(BIN)/python manage.py up --port $(PORT)

test: $(VENV)/.dev ## run the whole suite
	$(BIN)/python -m tests.run

test-deployment: $(VENV)/.dev ## only what touches PostgreSQL, Redis and the S3 store, on real ones
	$(BIN)/python -m tests.run --on-servers

test-slow: $(VENV)/.dev ## also the tests that take minutes
	$(BIN)/python -m tests.run --slow

coverage: $(VENV)/.dev ## branch coverage of what `make test` runs; fails below 90 %
	$(BIN)/coverage erase
	$(BIN)/python -m tests.run --cov --cov-append --cov-report=term

test-gpu: $(VENV)/.dev ## the tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu

check: $(VENV)/.dev ## ruff, format, mypy, import contracts, migrations, deployment checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy contract metalearn marketplace worker
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py makemigrations --check --dry-run
	FREEHOLD_SITE_URL=https://freehold.example $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure speed and memory, write docs/benchmarks/speed.md
	$(BIN)/python -m benchmarks

clean: ## remove what was installed and made; the data in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
