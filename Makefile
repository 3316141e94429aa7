# Two commands for a newcomer: `make demo` and `make test`. They need Python 3.11 or newer, git and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format-check lint types contracts migrations places format lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1  /p' $(MAKEFILE_LIST)

$(VENV): $(INSTALLED)

$(INSTALLED): tools.txt requirements-dev.txt pyproject.toml tools/install.sh
	@PYTHON='$(PYTHON)' tools/install.sh '$(CURDIR)/$(VENV)'
	@touch $@

demo: $(INSTALLED) ## two companies' lists become a 3x3, over HTTPS, on this machine; KEEP=--keep leaves the service up
	@$(BIN)/python examples/demo.py $(KEEP)

test: $(INSTALLED) ## every test, on SQLite and on PostgreSQL
	$(BIN)/python -m pytest -n 2

check: format-check lint types contracts migrations places ## format, lint, types, import contracts, migrations, places; -k goes on after one fails

format-check: $(INSTALLED)
	$(BIN)/ruff format --check .

lint: $(INSTALLED)
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy src tests tools

contracts: $(INSTALLED)
	$(BIN)/lint-imports

migrations: $(INSTALLED)
	$(BIN)/python tools/check_migrations.py

places: $(INSTALLED)
	$(BIN)/python tools/check_places.py

format: $(INSTALLED) ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(INSTALLED) ## write the lock files anew, with hashes and without hosts; UPGRADE=--upgrade takes newer versions
	$(BIN)/uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--quiet --output-file requirements-dev.txt --extra server --group dev pyproject.toml
	echo uv | $(BIN)/uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --quiet --output-file tools.txt -

clean: ## remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
