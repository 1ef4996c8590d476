# `make demo` and `make test` do all set-up themselves; they need Python 3.11 or newer, and make.

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PROTOS_BIN := .venv-protos/bin
BINARY_BIN := .venv-binary/bin
BINARY := dist/agent-runner
PREFIX ?= $(HOME)/.local
PYTEST := $(BIN)/python -m pytest
PIP_OPTIONS := --quiet --disable-pip-version-check --constraint requirements.lock

# What a person can do about it, as a command that prints it.
define NO_INDEX
printf '%s\n' "" "The libraries could not be installed; what pip says stands above." \
	"If it cannot reach the package index:" \
	"  • is this machine online, and does it need a proxy? Set HTTPS_PROXY and try again" \
	"  • use a mirror: PIP_INDEX_URL=<address of the mirror> make $(MAKECMDGOALS)" \
	"  • without a network: fetch them where there is one, with pip download -d wheels -r requirements.lock hatchling editables," \
	"    copy the folder here, then PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels make $(MAKECMDGOALS)" \
	"What is installed already is kept." >&2
endef

define NO_VENV
printf '%s\n' "" "$(PYTHON) could not make a virtual environment; what it says stands above." \
	"On Debian and Ubuntu the package python3-venv is needed. Then try again: make $(MAKECMDGOALS)" >&2
endef

.PHONY: demo test test-failed chaos lint bench mutants screenshots reference protos protos-check wheel lock clean \
	build-agent-runner install-agent-runner test-binary clean-binary release-local release-local-full

# The app on an example project, which `stigmer-tui new` makes once and which is kept.
demo: $(VENV)/installed
	@test -d demo || $(BIN)/stigmer-tui new demo --template agent-workflow
	@echo "Opening the app on the project demo; q quits it"
	@$(BIN)/stigmer-tui demo

# The whole suite; what is slow runs beside the rest.
test: $(VENV)/tested
	@echo "Running every test, which takes some minutes"
	$(PYTEST) -n auto --dist worksteal

# What failed in the last run, one after the other.
test-failed: $(VENV)/tested
	$(PYTEST) --last-failed --last-failed-no-failures none

# Ten minutes of troubles of all kinds against a real daemon.
chaos: $(VENV)/tested
	$(PYTEST) -m chaos -s tests/e2e/test_chaos.py

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The budgets of the design, measured.
bench: $(VENV)/tested
	$(BIN)/python -m tests.benchmarks

# Small faults are put into the code of a room, one at a time; its tests must notice. A sample of them, or all: SAMPLE=0.
ROOM ?= core
SAMPLE ?= 150
mutants: $(VENV)/tested
	$(BIN)/python -m tests.mutants $(ROOM) $(SAMPLE)

# Pictures of the real program, taken through a pseudo-terminal.
screenshots: $(VENV)/tested
	$(BIN)/python -m tests.screenshots

# The pages of docs/reference that follow from the code.
reference: $(VENV)/tested
	$(BIN)/python docs/generate.py

protos: $(PROTOS_BIN)/installed
	PATH="$(abspath $(PROTOS_BIN)):$$PATH" $(PROTOS_BIN)/python protos/generate.py

protos-check: $(PROTOS_BIN)/installed
	PATH="$(abspath $(PROTOS_BIN)):$$PATH" $(PROTOS_BIN)/python protos/generate.py --check

wheel: $(VENV)/tested
	rm -f dist/*.whl
	$(BIN)/python -m build --wheel

# The agent runner as one executable file, which needs no Python.
build-agent-runner: $(BINARY)

install-agent-runner: $(BINARY)
	@$(BINARY_BIN)/python binary/install.py $(BINARY)

test-binary: $(BINARY) $(VENV)/tested
	$(PYTEST) tests/e2e/test_agent_runner_binary.py

clean-binary:
	rm -rf .venv-binary build/agent-runner $(BINARY)

# The program for this user: in a virtual environment of its own, and a link to it in $(PREFIX)/bin.
release-local: wheel
	@echo "Installing stigmer-tui into $(PREFIX)/lib/stigmer-tui (20 seconds to some minutes, by your network)"
	@$(PYTHON) -m venv --clear $(PREFIX)/lib/stigmer-tui
	@$(PREFIX)/lib/stigmer-tui/bin/pip install $(PIP_OPTIONS) dist/*.whl || { $(NO_INDEX); exit 1; }
	@mkdir -p $(PREFIX)/bin
	@ln -sf ../lib/stigmer-tui/bin/stigmer-tui $(PREFIX)/bin/stigmer-tui
	@echo "Installed $(PREFIX)/bin/stigmer-tui"

release-local-full: release-local install-agent-runner

# Versions for everybody; review what changed before committing it.
lock: $(VENV)/tested
	echo '# The versions that are tested together, for every extra; `make lock` renews them.' > requirements.lock
	$(BIN)/python -m uv pip compile --quiet --universal --upgrade --all-extras --no-annotate --no-header \
		--python-version 3.11 pyproject.toml >> requirements.lock

clean:
	rm -rf $(VENV) .venv-protos .venv-binary build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found; see https://www.python.org"; exit 1; }
	@echo "1/3 Making a virtual environment in $(VENV), with $(PYTHON) (a few seconds)"
	@$(PYTHON) -m venv $(VENV) || { $(NO_VENV); exit 1; }

$(VENV)/installed: $(BIN)/python pyproject.toml requirements.lock
	@echo "2/3 Installing stigmer-tui and the libraries it uses into $(VENV) (20 seconds to some minutes, by your network)"
	@$(BIN)/pip install $(PIP_OPTIONS) --editable . || { $(NO_INDEX); exit 1; }
	@echo "3/3 Compiling it, so that the first start is as quick as the next (a few seconds)"
	@$(BIN)/python -m compileall -q stigmer_tui
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@echo "Installing what tests and checks use into $(VENV) (20 seconds to some minutes, by your network)"
	@$(BIN)/pip install $(PIP_OPTIONS) --editable '.[test,lint,build,otel]' || { $(NO_INDEX); exit 1; }
	@touch $@

$(PROTOS_BIN)/installed: $(BIN)/python
	$(BIN)/python -m venv .venv-protos
	@echo "Installing what generates code into .venv-protos (a few seconds)"
	@$(PROTOS_BIN)/pip install --quiet 'grpcio-tools==1.74.0' 'mypy-protobuf==5.1.0' 'pyyaml>=6' || { $(NO_INDEX); exit 1; }
	@touch $@

# Of its own: what tests use does not get into the binary.
$(BINARY_BIN)/installed: $(BIN)/python pyproject.toml requirements.lock
	$(BIN)/python -m venv .venv-binary
	@echo "Installing stigmer-tui and PyInstaller into .venv-binary (20 seconds to some minutes, by your network)"
	@$(BINARY_BIN)/pip install $(PIP_OPTIONS) --editable '.[binary]' || { $(NO_INDEX); exit 1; }
	@touch $@

$(BINARY): $(BINARY_BIN)/installed $(shell find stigmer_tui binary -name '*.py' -o -name 'unpack.sh')
	@echo "Building $@ (a minute or two)"
	@$(BINARY_BIN)/python binary/build.py $@
