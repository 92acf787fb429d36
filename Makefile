# Bare `make` lists the doors.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_WORKERS ?= 2
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
NODE_TOOLS := tools/node/node_modules/.package-lock.json

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z.]+:.*## /{ printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUNTIME) ## install what is missing and run the demo shop on this computer
	@exec $(BIN)/tuckshop demo

.PHONY: build
build: $(RUNTIME) ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .

.PHONY: venv
venv: $(DEVELOPMENT) ## make .venv with everything that development needs

.PHONY: test
test: $(DEVELOPMENT) ## run the tests on SQLite and PostgreSQL, with the coverage gate
	@PYTHON=$(BIN)/python tools/system-packages postgresql strace nodejs npm chromium
	@$(MAKE) --no-print-directory $(NODE_TOOLS)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup --cov --cov-report=term $(ARGS)

$(NODE_TOOLS): tools/node/package-lock.json
	npm ci --prefix tools/node --no-audit --no-fund --loglevel=error

.PHONY: proof
proof: $(DEVELOPMENT) ## run the long tests at full size (takes hours)
	@PYTHON=$(BIN)/python tools/system-packages postgresql strace
	TUCKSHOP_PROOF=1 $(BIN)/python -m pytest -m proof $(ARGS)

.PHONY: bench
bench: $(DEVELOPMENT) ## measure purchases beside pgbench
	@PYTHON=$(BIN)/python tools/system-packages postgresql wrk
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench.dialects
bench.dialects: $(DEVELOPMENT) ## measure purchases in each dialect beside the same in /v1
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	$(BIN)/python -m bench.dialects $(ARGS)

.PHONY: bench.catalogue
bench.catalogue: $(DEVELOPMENT) ## measure searches among 100,000 products
	@PYTHON=$(BIN)/python tools/system-packages
	$(BIN)/python -m bench.catalogue $(ARGS)

.PHONY: bench.office
bench.office: $(DEVELOPMENT) ## measure every page that lists or sums on 100,000 orders
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	$(BIN)/python -m bench.office $(ARGS)

.PHONY: bench.reports
bench.reports: $(DEVELOPMENT) ## measure a year's sales report on 1,000,000 orders
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	$(BIN)/python -m bench.reports $(ARGS)

.PHONY: lint
lint: $(DEVELOPMENT) ## check style, types, layers, translations and what must not be in the tree
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.texts
	$(BIN)/python -m tools.privates
	tools/check-tree

.PHONY: lighthouse
lighthouse: $(DEVELOPMENT) ## measure the machine's page as Lighthouse does
	@PYTHON=$(BIN)/python tools/system-packages nodejs npm chromium
	@$(MAKE) --no-print-directory $(NODE_TOOLS)
	$(BIN)/python -m pytest --log-cli-level=INFO tests/browser/test_lighthouse.py $(ARGS)

.PHONY: texts
texts: $(DEVELOPMENT) ## put what pages newly say into the languages' files, to be translated
	$(BIN)/python -m tools.texts --write

.PHONY: screenshots
screenshots: $(DEVELOPMENT) ## take pictures of the pages into build/screenshots
	@PYTHON=$(BIN)/python tools/system-packages chromium
	$(BIN)/python -m tests.browser.screenshots

.PHONY: format
format: $(DEVELOPMENT) ## put the code in shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: clean
clean: ## remove everything that these targets made, the demo's books excepted
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache .schemathesis src/*.egg-info
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Asked for by name, the pins are compiled anew; otherwise they are files like any other. (A dependency on
# pyproject.toml would recompile them, over the network, after every clone, where times say nothing.)
ifneq ($(filter requirements.txt,$(MAKECMDGOALS)),)
.PHONY: requirements.txt
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python $(BIN)/python --python-version 3.11 \
	--generate-hashes --custom-compile-command "make requirements.txt" pyproject.toml
requirements.txt: | $(BIN)/python ## compile the pins with their hashes anew
	@test -x $(BIN)/uv || $(PIP_INSTALL) uv
	$(COMPILE) --group build --output-file requirements.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt
endif

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Tuckshop needs Python 3.11 or newer, and '$(PYTHON)' is not there: try make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tuckshop needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1): try make PYTHON=/path/to/python3" >&2; exit 1; }
	@rm -rf $(VENV); $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "'$(PYTHON)' cannot make environments: install its venv module (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }

$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing Tuckshop into $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes --requirement requirements.txt
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing what development needs into $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes --requirement requirements-dev.txt
	@touch $@
