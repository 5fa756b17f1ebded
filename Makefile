# Everything a developer does, on one page. Only make and Python 3.11-3.14 are assumed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The newest supported Python that starts; `make PYTHON=/path/to/python` overrules it.
PYTHON ?= $(shell for minor in 14 13 12 11; do \
	python3.$$minor -c '' 2>/dev/null && echo python3.$$minor && break; done)

RUN := .venv/.installed-runtime
DEV := .venv/.installed-dev
TOOLS := .venv-tools/.installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:

.PHONY: help
help: ## Show this list
	@sed -nE 's/^([a-z-]+):.* ## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: venv
venv: $(DEV) ## Build .venv with everything that tests and checks need

.venv/bin/python .venv-tools/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || { \
		echo "Python 3.11, 3.12, 3.13 or 3.14 is needed: install one, or name it by make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot build virtual environments: install python3-venv" \
			"(apt-get install python3-venv) and run make again." >&2; exit 1; }
	"$(PYTHON)" -m venv $(@D:/bin=)

$(RUN): requirements.lock | .venv/bin/python
	.venv/bin/python $(PIP_INSTALL) -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	.venv/bin/python $(PIP_INSTALL) -r requirements-dev.lock
	@touch $@

$(TOOLS): requirements-tools.lock | .venv-tools/bin/python
	.venv-tools/bin/python $(PIP_INSTALL) -r requirements-tools.lock
	@touch $@

# Checkers of the pages and of the client's types; no lock, for a lock names a registry's host.
NODE_TOOLS := tests/client/node_modules/.installed tests/console/node_modules/.installed

$(NODE_TOOLS): %/node_modules/.installed: %/package.json
	npm install --prefix $* --silent --no-audit --no-fund --no-package-lock
	@touch $@

.PHONY: run
run: $(RUN) ## Start the server for development: in memory, no Redis, on port 8080
	.venv/bin/python -m server --dev

# Tests mostly wait, for timeouts and for other processes: two at a time take a little over half.
WORKERS ?= 2

.PHONY: test
test: $(DEV) ## Run the tests (drills and nightly ones apart); PYTEST="-k feed" hands options on
	@missing=; for program in redis-server chromium node npm nginx \
		prometheus promtool prometheus-redis-exporter; do \
		command -v $$program >/dev/null || missing+=" $$program"; done; \
	[ -z "$$missing" ] || { echo "The tests drive real programs, and these are not on PATH:$$missing." \
		"On Debian: apt-get install redis-server chromium nodejs npm nginx-light" \
		"prometheus prometheus-redis-exporter" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(NODE_TOOLS)
	.venv/bin/pytest --numprocesses=$(WORKERS) --dist=loadfile $(PYTEST)

.PHONY: ha
ha: $(RUN) ## Run Redis, sentinels and two chat servers on this machine, until Ctrl-C
	@command -v redis-server >/dev/null || { echo "redis-server is not on PATH" \
		"(apt-get install redis-server)" >&2; exit 1; }
	.venv/bin/python -m deploy.local ha

KIND ?= kill
.PHONY: failover
failover: $(RUN) ## Break the master of what make ha runs, and report; KIND=kill, hang or planned
	@.venv/bin/python -m deploy.local failover --kind $(KIND)

.PHONY: drill
drill: $(DEV) ## Break a real cluster, print the table; FAULT=F06 SEED=7, or DRILL=--short
	.venv/bin/python -m tests.drills.run $(if $(FAULT),--fault $(FAULT)) $(if $(SEED),--seed $(SEED)) $(DRILL)

.PHONY: bystanders
bystanders: $(DEV) ## Attack one of two servers in turns, print what others notice; ATTACK="bombs"
	.venv/bin/python -m tests.server.bystanders $(ATTACK)

.PHONY: nightly
nightly: $(DEV) ## Run what takes too long for every change: 100,000 examples, made-up requests
	.venv/bin/pytest -m nightly $(PYTEST)

.PHONY: check
check: $(DEV) ## Lint, look at the format and check the types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .

.PHONY: format
format: $(DEV) ## Format the source and mend what ruff can mend
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

LOCK = .venv-tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command 'make lock' $(UPGRADE)

.PHONY: lock
lock: $(TOOLS) ## Make the locks again from pyproject.toml; UPGRADE=--upgrade moves every pin
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) --group tools --output-file requirements-tools.lock

LOCKS = $(sort $(wildcard requirements*.lock))

.PHONY: audit
audit: $(TOOLS) ## Look the locked versions up in the advisory database; AUDIT= hands options on
	.venv-tools/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		$(addprefix --requirement ,$(LOCKS)) $(AUDIT)

SBOM ?= sbom.json

.PHONY: sbom
sbom: ## Write sbom.json (CycloneDX) from the runtime lock; needs no network
	@"$(PYTHON)" deploy/sbom.py requirements.lock > $(SBOM)

.PHONY: clean
clean: ## Remove the environments and what tools left behind
	rm -rf .venv .venv-tools .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +
