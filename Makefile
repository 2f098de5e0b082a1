# hotplate: thin targets; each is one or two commands that can be typed by hand.
# `make demo DURATION=60 RATE=500` passes its variables on to the command.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
export DO_NOT_TRACK := 1

DEMO_OPTIONS := $(if $(DURATION),--duration $(DURATION)) $(if $(RATE),--rate $(RATE)) $(if $(SEED),--seed $(SEED)) \
	$(if $(BACKFILL),--backfill $(BACKFILL)) $(if $(SYSTEM),--system $(SYSTEM)) $(OPTIONS)
KILL_OPTIONS := $(if $(KILLS),--kills $(KILLS)) $(if $(EVENTS),--events $(EVENTS)) \
	$(if $(MESSAGES),--messages $(MESSAGES)) $(if $(SEED),--seed $(SEED))
TEST_OPTIONS ?= -n 2 --dist loadfile
PROPERTY_OPTIONS := $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED)) $(OPTIONS)

.DEFAULT_GOAL := help
.PHONY: help demo test property faults sbom check format docs bench lock install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## broker, engine, pipeline, events and a live view (DURATION=60 RATE=1000 BACKFILL=25 SEED=1)
	@$(BIN)/hotplate demo $(strip $(DEMO_OPTIONS))

test: install ## every test (TEST_OPTIONS="-n 0 -k name" to narrow)
	@$(BIN)/python -m pytest $(TEST_OPTIONS)

property: install ## random views over random histories against their definitions (CASES=20000 SEED=1)
	@$(BIN)/python -m pytests.property $(strip $(PROPERTY_OPTIONS))

faults: install ## faults injected for minutes and hours, in bench/FAULTS.md (KILLS=200 EVENTS=2000000 MESSAGES=100000 SEED=1)
	@$(BIN)/python -m pytest -m faults pytests/faults $(FAULTS_OPTIONS)
	@$(BIN)/python -m pytests.faults $(strip $(KILL_OPTIONS))

sbom: install ## the bill of materials of what is locked (CycloneDX), in target/sbom.json
	@mkdir -p target
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible --output-format JSON --output-file target/sbom.json $(BIN)/python
	@echo "target/sbom.json"

check: install ## format, lint, types, SQL style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/hotplate dbt parse --quiet
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 0 models sources tests analyses macros

format: install ## rewrite the Python files in the house format
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

docs: install ## dbt's documentation of the running pipeline, in target/
	$(BIN)/hotplate up && $(BIN)/hotplate dbt docs generate

bench: install ## this stack and its peers over the same topics: bench/RESULTS.md (OPTIONS="--events 200000 --only hotplate,spark")
	$(BIN)/python -m bench $(OPTIONS)

lock: ## both requirements.lock from their requirements.in
	env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u UV_INDEX_URL $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' requirements.in -o requirements.lock
	env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u UV_INDEX_URL $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' bench/requirements.in -o bench/requirements.lock

install: $(INSTALLED) ## the virtual environment in .venv, from the hash-locked requirements

# Two stamps: the interpreter's directory, and what is installed in it. A second run finds both up to date and does nothing.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hotplate needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (make PYTHON=/path/to/python3.11)")'
	@echo "creating .venv"
	@$(PYTHON) -m venv .venv

$(INSTALLED): requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing the locked requirements into .venv (about a minute the first time)"
	@# The lock names everything, so pip need not resolve anything.
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## stop the stack, remove its data and everything that was built
	@if [ -x $(BIN)/hotplate ]; then $(BIN)/hotplate reset --yes || true; fi
	rm -rf .hotplate .venv target logs dbt_packages build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
