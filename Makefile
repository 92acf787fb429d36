# Bare `make` lists the doors.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_WORKERS ?= 2
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
NODE_TOOLS := tools/node/node_modules/.package-lock.json

PIP := $(BIN)/python -m pip --disable-pip-version-check
# Exactly the files that the pins name: no look at what packages ask for (an extra makes old pips take the newest
# release, which no hash allows), and nothing is built, since a build fetches backends that nobody pinned. Where a
# package has no wheel for the machine, `make run WHEELS=` builds it all the same.
WHEELS ?= --only-binary :all:
PIP_INSTALL := $(PIP) install --quiet --no-deps
INSTALL_PINS := $(PIP_INSTALL) --require-hashes $(WHEELS) --requirement
# Whoever develops has everything that running needs, from the longer file.
INSTALLED := $(if $(wildcard $(DEVELOPMENT)),$(DEVELOPMENT),$(RUNTIME))
# Hundreds of tests start the shop anew: byte code that nobody keeps would be made for each of them.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup
COVERAGE := $(PYTEST) -m "not more" --cov --cov-report=term

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z.\/]+:.*## /{ printf "  make %-29s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(INSTALLED) ## install what is missing and run the demo shop on this computer
	@exec $(BIN)/tuckshop demo

.PHONY: build
build: $(INSTALLED) ## build the wheel into dist/, with the tested versions of its packages beside it
	@rm -rf build/lib build/bdist.* # setuptools would ship modules that have gone since the last time
	$(PIP) wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .
	@cp constraints.txt dist/

.PHONY: venv
venv: $(DEVELOPMENT) ## make .venv with everything that development needs

.PHONY: test
test: $(DEVELOPMENT) ## run the tests on SQLite and PostgreSQL
	@PYTHON=$(BIN)/python tools/system-packages postgresql curl nodejs npm chromium libatomic1
	@$(MAKE) --no-print-directory $(NODE_TOOLS)
	$(PYTEST) -m "not more" $(ARGS)

.PHONY: test.more
test.more: $(DEVELOPMENT) ## run the tests that need more programs, packages or load, then the coverage gate
	@PYTHON=$(BIN)/python tools/system-packages postgresql curl strace nodejs npm nginx redis-server slapd openssl chromium
	@$(MAKE) --no-print-directory $(NODE_TOOLS)
	status=0; $(PYTEST) -m more $(ARGS) || status=1; $(COVERAGE) || status=1; exit $$status

.PHONY: coverage
coverage: $(DEVELOPMENT) ## run the tests that count towards coverage, with its gate
	@PYTHON=$(BIN)/python tools/system-packages postgresql curl
	$(COVERAGE) $(ARGS)

$(NODE_TOOLS): tools/node/package.json tools/node/package-lock.json tools/node/.npmrc
	npm ci --prefix tools/node --loglevel=error

.PHONY: proof
proof: $(DEVELOPMENT) ## show all of docs/guarantees.md at full size (takes hours, goes on where it was); ARGS="R4 S10"
	@PYTHON=$(BIN)/python tools/system-packages postgresql strace nginx redis-server slapd openssl
	@$(BIN)/python -m tests.proof $(ARGS)

.PHONY: proof.planted
proof.planted: $(DEVELOPMENT) ## plant every known bug and see that its tests fail
	@PYTHON=$(BIN)/python tools/system-packages postgresql redis-server
	$(BIN)/python -m tests.planted $(ARGS)

.PHONY: proof.failover
proof.failover: $(DEVELOPMENT) ## lose the database's leader 21 times, as root in network namespaces, and no sale
	@PYTHON=$(BIN)/python tools/system-packages postgresql patroni python3-etcd etcd-server haproxy iproute2
	TUCKSHOP_PROOF=1 $(BIN)/python -m pytest -q --log-cli-level=INFO tests/failover $(ARGS)

.PHONY: proof.upgrade
proof.upgrade: $(DEVELOPMENT) ## upgrade shops of every earlier revision, fail half-way, and upgrade two nodes that sell
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	TUCKSHOP_PROOF=1 $(BIN)/python -m pytest -q tests/upgrade $(ARGS)

.PHONY: proof.mutation
proof.mutation: $(DEVELOPMENT) ## change the rules in a thousand small ways and see that tests fail
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m tests.mutation $(ARGS)

.PHONY: proof.images
proof.images: $(DEVELOPMENT) ## build the images without Docker, and buy something from them (as root, half an hour)
	@PYTHON=$(BIN)/python tools/system-packages postgresql buildah debootstrap
	$(BIN)/python -m pytest --log-cli-level=INFO -o faulthandler_timeout=0 tests/images/built.py $(ARGS)

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

.PHONY: bench.logins
bench.logins: $(DEVELOPMENT) ## measure whether refused log-ins can be told apart by their time
	$(BIN)/python -m bench.log_in_times $(ARGS)

.PHONY: bench.connections
bench.connections: $(DEVELOPMENT) ## measure purchases beside 5,000 idle, half-open and slow connections
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	$(BIN)/python -m bench.connections $(ARGS)

.PHONY: bench.reports
bench.reports: $(DEVELOPMENT) ## measure a year's sales report on 1,000,000 orders
	@PYTHON=$(BIN)/python tools/system-packages postgresql
	$(BIN)/python -m bench.reports $(ARGS)

.PHONY: lint
lint: $(DEVELOPMENT) ## check style, types, layers, translations, files for containers and what must not be in the tree
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.texts
	$(BIN)/python -m tools.privates
	$(BIN)/python -m tools.words
	$(BIN)/python -m tools.deploy
	tools/check-tree

.PHONY: lighthouse
lighthouse: $(DEVELOPMENT) ## measure the machine's page as Lighthouse does
	@PYTHON=$(BIN)/python tools/system-packages nodejs npm chromium libatomic1
	@$(MAKE) --no-print-directory $(NODE_TOOLS)
	$(BIN)/python -m pytest --log-cli-level=INFO tests/browser/lighthouse.py $(ARGS)

.PHONY: texts
texts: $(DEVELOPMENT) ## put new texts of pages into the languages' files; LANGUAGE=fr begins another
	$(BIN)/python -m tools.texts --write $(LANGUAGE)

.PHONY: docs
docs: $(DEVELOPMENT) ## build the documentation as a site into build/docs; a warning fails
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet docs build/docs
	@echo "Open build/docs/index.html."

# What the documents of older contracts say of containers is done by these targets.
COMPOSE ?= docker compose
IMAGE ?= tuckshop:local
MESSAGE ?= changes

.PHONY: docker/build
docker/build: ## build the image that shops run on, as IMAGE
	docker build --target prod --tag $(IMAGE) .

.PHONY: docker/purchase
docker/purchase: ## start IMAGE, buy something from it, and audit it
	@tools/image-purchase $(IMAGE)

.PHONY: docker/compose/secrets
docker/compose/secrets: ## make .env and the secrets of containers, where they are missing
	@tools/compose-secrets

.PHONY: docker/compose/build
docker/compose/build: docker/compose/secrets ## build the image
	$(COMPOSE) build web

.PHONY: docker/compose/up
docker/compose/up: docker/compose/secrets ## run the shop in containers; COMPOSE_PROFILES=edge,watch for more
	$(COMPOSE) up --build --detach

.PHONY: docker/compose/migrate
docker/compose/migrate: docker/compose/secrets ## make the shop's database in containers, or upgrade it
	$(COMPOSE) run --rm migrate

.PHONY: docker/compose/makemigrations
docker/compose/makemigrations: docker/compose/secrets ## write a migration for what changed in the tables; MESSAGE=name
	DEV_USER=$$(id -u):$$(id -g) $(COMPOSE) run --rm --build --no-deps --entrypoint python dev \
		-m tools.migration $(MESSAGE)

.PHONY: docker/compose/unittest
docker/compose/unittest: docker/compose/secrets ## run the tests in containers, on both databases
	$(COMPOSE) --profile test run --rm --build unittest $(ARGS); status=$$?; \
		$(COMPOSE) --profile test rm --stop --force testdb >/dev/null; exit $$status

.PHONY: screenshots
screenshots: $(DEVELOPMENT) ## take pictures of the pages into build/screenshots
	@PYTHON=$(BIN)/python tools/system-packages chromium libatomic1
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
UPGRADE ?= --upgrade
COMPILE := $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python $(BIN)/python --python-version 3.11 \
	--generate-hashes --custom-compile-command "make requirements.txt" pyproject.toml
requirements.txt: | $(BIN)/python ## compile the pins with their hashes anew; with UPGRADE= only what must change
	@awk '/^[^ ]/ { mine = /^uv==/ } mine' requirements-dev.txt | $(INSTALL_PINS) /dev/stdin
	$(COMPILE) --group build --output-file requirements.txt
	$(COMPILE) --all-extras --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --all-extras --group build --constraint requirements-dev.txt --output-file requirements-extras.txt
	$(filter-out --generate-hashes,$(COMPILE)) --no-annotate --all-extras --constraint requirements-dev.txt \
		--output-file constraints.txt
endif

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Tuckshop needs Python 3.11 or newer, and '$(PYTHON)' is not there: try make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tuckshop needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1): try make PYTHON=/path/to/python3" >&2; exit 1; }
	@rm -rf $(VENV); $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "'$(PYTHON)' cannot make environments: install its venv module (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }

$(RUNTIME): requirements.txt
$(DEVELOPMENT): requirements-dev.txt
$(RUNTIME) $(DEVELOPMENT): pyproject.toml | $(BIN)/python
	@echo "Installing $(filter requirements%,$^) into $(VENV) ..."
	@$(INSTALL_PINS) $(filter requirements%,$^)
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@found=$$($(PIP) check) || { echo "$$found" >&2; \
		echo "$(VENV) does not hold together. If older pins left something behind: make clean, and again." >&2; exit 1; }
	@touch $@
