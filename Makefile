# Needs python3 (3.11 to 3.13) and make; everything else is installed into .venv, by hash.
#   make demo        watch failed invoices being recovered, in about a minute
#   make test        everything the tests need, then the tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
HERE   := $(CURDIR)
TESTS  ?=
SEED   ?= 1
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo up test lint types chaos proof format lock clean

help: ## Show what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Recover a dozen failed invoices on this machine (KEEP=1 stays up)
	@$(BIN)/dunning demo $(if $(KEEP),--keep)

up: $(VENV)/.run ## Run everything on this machine, for your real systems
	@$(BIN)/dunning up

test: $(VENV)/.dev ## Run the tests (TESTS="tests/policy -k payday" runs some)
	$(BIN)/python -m pytest $(if $(TESTS),$(TESTS),-n auto --dist loadfile)

lint: $(VENV)/.dev ## Check style, and that no layer imports what is above it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

chaos: $(VENV)/.dev ## Kill, cut and shuffle for a minute, then count (SEED=7 ARGS="--cases 60")
	$(BIN)/python -m proof chaos --seed $(SEED) $(ARGS)

proof: $(VENV)/.dev ## The full proof: 20 storms, 20,000 hostile webhooks, the long property tests
	PROOF=full $(BIN)/python -m pytest tests/once_only tests/sweep
	$(BIN)/python -m proof all $(ARGS)

format: $(VENV)/.dev ## Write the code as the formatter would
	$(BIN)/ruff format .

lock: $(VENV)/.dev ## Pin the newest allowed packages, with their hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --extra local pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --extra local --group dev pyproject.toml -o requirements/dev.txt

clean: ## Remove what was installed and what the demo left
	rm -rf $(VENV) var/demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# ── the environment ────────────────────────────────────────────────────────────────────────────

$(BIN)/dunning:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed; say which with make PYTHON=python3.12"; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@# The program runs from this folder as it lies there: nothing is built, edits count at once.
	@$(BIN)/python -c 'import pathlib, site; \
	  pathlib.Path(site.getsitepackages()[0], "dunning.pth").write_text("$(HERE)\n")'
	@printf '%s\n' '#!$(HERE)/$(BIN)/python' 'from starter.cli import main' 'main()' > $@
	@chmod 755 $@

$(VENV)/.run: requirements/run.txt requirements/bootstrap.txt | $(BIN)/dunning
	@test -e $(VENV)/.dev || { echo "Installing what it runs on …"; \
	  $(BIN)/python requirements/install.py run.txt; }
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/bootstrap.txt | $(BIN)/dunning
	@echo "Installing what the tests need …"
	@$(BIN)/python requirements/install.py dev.txt
	@touch $@ $(VENV)/.run
