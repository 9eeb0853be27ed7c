# A fresh machine needs python3 (3.11 or newer, with venv), make and git. Everything else comes into .venv.

# Without PYTHON=..., the newest suitable interpreter is taken.
PYTHON ?= python3
ifeq ($(origin PYTHON),file)
INTERPRETERS = python3.14 python3.13 python3.12 python3.11 $(PYTHON)
else
INTERPRETERS = $(PYTHON)
endif

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
# Twice quiet: errors only. A warning about a mirror that is not there helps nobody who waits for a virtualenv.
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

# One step a recipe line, and targets that share .venv and coverage data never at once.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help venv demo loop test test-long test-packages mutation lint bench man completion reference pictures packages \
  rpm-sources pins clean

help:
	@echo 'make demo       a simulated stale set: warn, resync, up, then exporter and page (DEMO=--once ends by itself)'
	@echo 'make loop       the loop closes: alert, request, resync, resolved, with the real Prometheus and Alertmanager'
	@echo 'make test       every test but the long ones, with branch coverage'
	@echo 'make test-long  the tests that take minutes, then mutation testing of the modules that decide'
	@echo 'make packages   the .debs, into build/packages (on Debian)'
	@echo 'make test-packages  build them, install them in a clean root, use them, purge them (as root on Debian)'
	@echo 'make rpm-sources  what packaging/rpm needs, into build/rpm/SOURCES'
	@echo 'make mutation   mutation testing alone (GROUPS="ism judge" for some of it)'
	@echo 'make lint       ruff and mypy'
	@echo 'make bench      measure, and print the tables'
	@echo 'make man        the manual pages, into build/man'
	@echo 'make completion the completion of bash, zsh and fish, into build/completion'
	@echo 'make reference  docs/cli.md, configuration.md, findings.md, metrics.md anew, from the code'
	@echo 'make pictures   the pictures of the status page in docs/images, from the simulated array'
	@echo 'make venv       .venv with the package, its extras and the tools (HASHES=1: only files with known hashes)'
	@echo 'make pins       write the hashes of packaging/requirements anew, after a change of constraints-dev.txt'
	@echo 'make clean      remove what these targets made'

venv: $(STAMP)
	@:

$(STAMP): setup.cfg pyproject.toml constraints-dev.txt $(if $(HASHES),packaging/requirements/ci.txt)
	@command -v git >/dev/null || { echo 'make venv: git is missing: install it (apt-get install git, dnf install git)' >&2; exit 1; }
	@found=; for python in $(INTERPRETERS); do \
	  if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  set -- $(PYTHON); version=$$("$$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null); \
	  if [ -z "$$version" ]; then echo "make venv: $$1 is missing: install Python 3.11 or newer (apt-get install python3 python3-venv, dnf install python3.11)"; \
	  elif "$$1" -c 'import sys; sys.exit(sys.version_info >= (3, 11))'; then echo "make venv: $$1 is Python $$version, too old: install Python 3.11 or newer (apt-get install python3.11 python3.11-venv, dnf install python3.11)"; \
	  else echo "make venv: $$1 ($$version) comes without venv or ensurepip: install them (apt-get install python3-venv)"; fi >&2; \
	  exit 1; \
	fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then "$$found" -m venv --clear $(VENV); fi
ifdef HASHES
	@$(PIP) install --require-hashes --requirement packaging/requirements/ci.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
else
	@$(PIP) install --constraint constraints-dev.txt --editable '.[web,terminal,dev]'
endif
	@touch $@
	@echo "$(VENV) is ready ($$($(BIN)/python --version))"

demo: venv
	@$(BIN)/necism demo $(DEMO)

loop: venv
	@$(BIN)/python -m tests.loops.show

# Data of an interrupted run would be counted in: it goes first.
test: venv
	@rm -f .coverage .coverage.* build/coverage.json
	@mkdir -p build
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal \
	  --cov --cov-report term --cov-report json:build/coverage.json $(TESTS)

# Both halves run even where the first fails: each takes so long that its result must not wait for the other's.
test-long: venv
	@failed=0; \
	$(BIN)/python -m pytest -m long --verbose --durations 0 --durations-min 1 $(TESTS) || failed=1; \
	$(BIN)/python -m tests.mutation.run $(GROUPS) || failed=1; \
	exit $$failed

test-packages: venv
	@$(BIN)/python -m pytest -m packages --verbose --durations 0 --durations-min 1 tests/packaging

packages: venv
	@packaging/deb/make_debs

rpm-sources: venv
	@packaging/rpm/sources

# Hashes of every file of a release, whatever machine it is for: pip alone cannot list them.
PINS := build/pins/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
pins: venv
	@$(PIP) install --upgrade --target build/pins uv==0.13.9
	@cd packaging/requirements; for name in vendor vendor-el9; do \
	  ../../$(PINS) --no-deps --constraint ../../constraints-dev.txt $$name.in --output-file $$name.txt || exit 1; done
	@cd packaging/requirements; ../../$(PINS) --no-strip-extras ci.in --output-file ci.txt

mutation: venv
	@$(BIN)/python -m tests.mutation.run $(GROUPS)

lint: venv
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/bandit --quiet --recursive necism_monitor check_necism.py

bench: venv
	@set -- benchmarks/bench_*.py; \
	[ -e "$$1" ] || { echo 'make bench: no benchmarks/bench_*.py here: nothing was measured' >&2; exit 1; }; \
	for script in "$$@"; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

# A build of a package, which has no virtualenv, runs the same with its own Python: python3 -m tools.papers man DIR
man: venv
	@$(BIN)/python -m tools.papers man build/man

completion: venv
	@$(BIN)/python -m tools.papers completion build/completion

reference: venv
	@$(BIN)/python -m tools.papers reference docs

pictures: venv
	@$(BIN)/python -m tests.browser.shots docs/images

clean:
	rm -rf $(VENV) build dist ./*.egg-info .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
