# `make` alone shows what there is. Everything installs what it needs first.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SIZE ?= 50
SEED ?= 1
.DEFAULT_GOAL := help
.PHONY: run test test-units test-stacks test-proofs check types unit adapters contract lint e2e faults mutation eval bench package lock setup help

run: ## start everything; ARGS="--fresh", ARGS="--port-base 5100", ...
	@$(PYTHON) -m local up $(ARGS)

# Tests that start whole stacks wait most of the time, so three processes keep two cores busy.
STACKS := tests/e2e
PROOFS := tests/security tests/faults tests/smoke tests/web

test: setup ## run all tests in three parts side by side, or those that ARGS names
ifeq ($(strip $(ARGS)),)
	@echo "Three parts side by side; each prints its results when it has ended, after some minutes."
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target --keep-going test-proofs test-stacks test-units
else
	@$(BIN)/python -m pytest $(ARGS)
endif

test-units:
	@$(BIN)/python -m pytest tests $(addprefix --ignore=,$(STACKS) $(PROOFS))

test-stacks:
	@$(BIN)/python -m pytest $(STACKS)

test-proofs:
	@$(BIN)/python -m pytest $(PROOFS)

check: setup ## format, lint, types, import contracts, unit and contract tests (about 2 minutes)
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target adapters types unit contract lint

types:
	@$(BIN)/pyright

unit:
	@$(BIN)/python -m pytest tests/unit

# Half of a minute of work and a minute of waiting: apart, so that the waiting is done beside the rest.
adapters:
	@$(BIN)/python -m pytest tests/contract/adapters

contract:
	@$(BIN)/python -m pytest tests/contract --ignore=tests/contract/adapters

lint:
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

check-infra: setup ## read the templates in infra/: parsers, checker, policies; checkov where it can be installed
	@$(BIN)/python -m pytest tests/infra --deselect tests/infra/test_checkov.py
	@$(PYTHON) -m venv .local/checkov && .local/checkov/bin/pip install --quiet checkov==3.3.30 \
	  && CHECKOV=.local/checkov/bin/checkov $(BIN)/python -m pytest tests/infra/test_checkov.py -rs

e2e: setup ## start a stack of its own on free ports and talk to it from outside
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

faults: setup ## kill parts of a running stack in many orders; SIZE=200 SEED=7
	@FAULTS_SIZE=$(SIZE) FAULTS_SEED=$(SEED) $(BIN)/python -m pytest --timeout=7200 tests/faults tests/security $(ARGS)

mutation: setup ## change the code that guards people and see whether tests notice; ARGS="--minutes 10 limits"
	@$(BIN)/python -m tests.mutation $(ARGS)

eval: setup ## ask 20 and more questions through a stack of its own and score the answers; ARGS="--least 0.8"
	@$(BIN)/python -m tests.eval $(ARGS)

bench: setup ## measure, one script of bench/ after the other
	@for script in bench/[a-z]*.py; do $(BIN)/python -m bench.$$(basename $$script .py) $(ARGS) || exit 1; done

package: setup ## build .dist/salescoach.zip, what Azure gets, and list it
	@$(BIN)/python -m local.stack.package $(ARGS)

lock: setup ## write the requirements*.txt anew from the *.in files; ARGS=--upgrade for newer versions
	@for name in requirements requirements-dev local/stack/installer; do \
	  $(BIN)/uv pip compile $$name.in --output-file $$name.txt --quiet --generate-hashes --universal \
	    --python-version 3.11 --custom-compile-command "make lock" $(ARGS) || exit 1; \
	done

setup: ## install what is missing, nothing else
	@$(PYTHON) -m local setup

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 13
