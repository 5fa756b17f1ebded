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
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11, 3.12, 3.13 or 3.14 is needed (make PYTHON=...)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot build virtual environments: install python3-venv" \
			"(apt-get install python3-venv) and run make again." >&2; exit 1; }
	$(PYTHON) -m venv $(@D:/bin=)

$(RUN): requirements.lock | .venv/bin/python
	.venv/bin/python $(PIP_INSTALL) -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	.venv/bin/python $(PIP_INSTALL) -r requirements-dev.lock
	@touch $@

$(TOOLS): requirements-tools.lock | .venv-tools/bin/python
	.venv-tools/bin/python $(PIP_INSTALL) -r requirements-tools.lock
	@touch $@
