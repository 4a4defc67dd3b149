# make up    serves examples/flights behind the full edge        make test   every check and every test
# make check  format, types, layers                              make docs   the generated pages of docs/
# make soak   the long runs, three hours of them: many faults, ten minutes of each load shape
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
INSTALL = $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends

.PHONY: up test soak check docs lock clean

up: .venv/run examples/flights/flights.sqlite3
	$(BIN)/seawall up examples/flights

test: check
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

soak: .venv/dev
	$(BIN)/python -m pytest -q -m soak

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/dev
	$(BIN)/python -m seawall.config > docs/settings.md

# Which versions are installed: requirements/*.txt, with hashes. `make lock` takes the newest. Run it with Debian 12's own
# Python 3.11.2: a later 3.11 chooses packages that one cannot install.
lock: .venv/dev
	$(BIN)/pip install -q pip-tools
	cd requirements && for set in run dev; do CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile -q --upgrade \
	  --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  $$set.in -o $$set.txt; done

examples/flights/flights.sqlite3: .venv/run
	cd examples/flights && ../../$(BIN)/python manage.py migrate -v 0 && ../../$(BIN)/python manage.py seed

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { $(SUDO) apt-get update -q && $(INSTALL) python3 python3-venv; }
	$(PYTHON) -m venv .venv

# The reader of git's packs is compiled: a compiler, C's and libdeflate's headers.
.venv/run: .venv/bin/python requirements/run.txt pyproject.toml $(wildcard src/seawall/audit/history/native/*)
	@missing=; PATH=$$PATH:/usr/sbin command -v haproxy >/dev/null || missing=haproxy; \
	  echo '#include <libdeflate.h>' | cc -E - >/dev/null 2>&1 || missing="$$missing gcc libc6-dev libdeflate-dev"; \
	  [ -z "$$missing" ] || { $(SUDO) apt-get update -q && $(INSTALL) $$missing; }
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src/seawall  # as pip does with what it copies: else each start may compile it
	@touch $@

# What tests and benchmarks compare with (nginx), load with (wrk, h2load), look at (tmux), ask with (curl) and serve (node).
# Each program's package, where it has another name. What is there is left alone: another source's node conflicts with Debian's npm.
PROGRAMS := nginx wrk h2load node npm tmux curl
PACKAGE_h2load := nghttp2-client
PACKAGE_node := nodejs
.venv/dev: .venv/run requirements/dev.txt
	@missing=; $(foreach program,$(PROGRAMS),PATH=$$PATH:/usr/sbin command -v $(program) >/dev/null \
	  || missing="$$missing $(or $(PACKAGE_$(program)),$(program))"; ) \
	  [ -z "$$missing" ] || { $(SUDO) apt-get update -q && $(INSTALL) $$missing; }
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

clean:
	rm -rf .venv examples/flights/flights.sqlite3*
