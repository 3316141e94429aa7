# Two commands for a newcomer: `make demo` and `make test`. They need Python 3.11 or newer, git and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test fuzz picture check format-check lint types contracts migrations places dockerfile format docs reference lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DOCS_VENV := .venv-docs
DOCS_INSTALLED := $(DOCS_VENV)/.installed

# Locks hold hashes and name no host. What runs in production is locked to the versions that the tests run with.
COMPILE = $(BIN)/uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1  /p' $(MAKEFILE_LIST)

$(VENV): $(INSTALLED)

$(INSTALLED): tools.txt requirements-dev.txt pyproject.toml tools/install.sh
	@PYTHON='$(PYTHON)' tools/install.sh '$(CURDIR)/$(VENV)'
	@touch $@

demo: $(INSTALLED) ## two companies' lists become a 3x3, over HTTPS, on this machine; KEEP=--keep leaves the service up
	@$(BIN)/python examples/demo.py $(KEEP)

fuzz: $(INSTALLED) ## more than 2,000 made-up requests on each database, held to the contract; every table of small lists, to rule 7
	$(BIN)/python -m tests.api.fuzzing
	$(BIN)/python -m tests.reports.rule_seven_sweep

test: $(INSTALLED) ## every test, on SQLite and on PostgreSQL
	$(BIN)/python -m pytest -n 3 --dist worksteal

picture: $(INSTALLED) ## draw what the demo prints anew, for the README
	@$(BIN)/python tools/picture.py

check: format-check lint types contracts migrations places dockerfile ## format, lint, types, import contracts, migrations, places, Dockerfile; -k goes on after one fails

format-check: $(INSTALLED)
	$(BIN)/ruff format --check .

lint: $(INSTALLED)
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy src tests tools benchmarks
	cd examples && MYPYPATH=../src ../$(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache/examples .

contracts: $(INSTALLED)
	$(BIN)/lint-imports

migrations: $(INSTALLED)
	$(BIN)/python tools/check_migrations.py

places: $(INSTALLED)
	$(BIN)/python tools/check_places.py

dockerfile: $(INSTALLED)
	$(BIN)/hadolint --failure-threshold style Dockerfile

format: $(INSTALLED) ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DOCS_INSTALLED) ## build the documentation into site/, without the network; a broken link fails
	$(DOCS_VENV)/bin/python tools/docs_site.py

$(DOCS_INSTALLED): requirements-docs.txt
	@$(PYTHON) -m venv --clear $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-docs.txt
	@touch $@

reference: $(INSTALLED) ## write the pages anew that are made from the code: commands, routes, settings, errors
	$(BIN)/escrow-server openapi > docs/openapi.json
	$(BIN)/python -m tools.reference

lock: $(INSTALLED) ## write the lock files anew, with hashes and without hosts; UPGRADE=--upgrade takes newer versions
	$(COMPILE) --output-file requirements-dev.txt --extra server --extra files --extra keyring --extra sql --group dev pyproject.toml
	$(COMPILE) --constraint requirements-dev.txt --output-file requirements-server.txt --extra server pyproject.toml
	echo hatchling | $(COMPILE) --constraint requirements-dev.txt --output-file requirements-build.txt -
	$(COMPILE) --output-file requirements-docs.txt --group docs
	echo uv | $(COMPILE) --output-file tools.txt -

clean: ## remove the environment, what was built and every cache
	rm -rf $(VENV) $(DOCS_VENV) site build dist htmlcov .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
