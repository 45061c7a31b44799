# Each target sets itself up from nothing; `make demo` and `make test` are all a newcomer needs.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q

ARCHIVE ?=
LABELS ?=
DEMO := $(if $(ARCHIVE),--archive "$(ARCHIVE)") $(if $(LABELS),--labels "$(LABELS)")

.PHONY: demo test unit bench lint format docs pictures lock clean

demo: .venv/.ready  ## the whole loop in one command: make demo [ARCHIVE=folder [LABELS=folder]]
	$(BIN)/calnet-ops demo $(DEMO)

test: .venv/.ready  ## all tests
	$(PYTEST) -m "not system" -n 2 --dist loadgroup
	$(PYTEST) -m system

unit: .venv/.ready  ## the quick ones, in under a minute
	$(PYTEST) -m "not system and not slow" -n 2 --dist loadgroup

bench: .venv/.ready  ## speed beside its peers, to var/bench/bench.json
	$(BIN)/python -m tests.bench

lint: .venv/.ready  ## all that can be said without running the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/validate-pyproject pyproject.toml
	$(BIN)/python -m docs.generate --check

format: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.ready  ## the generated pages of docs/
	$(BIN)/python -m docs.generate

pictures: .venv/.ready  ## the screenshots of the README, from a demonstration under test
	$(PYTEST) -m system -k airflow_ui
	mkdir -p docs/images
	cp var/screenshots/ops.png var/screenshots/airflow-sectors.png docs/images/

# uv is quick; where it cannot reach the package index that pip is set up for, pip does the same
.venv/.ready: requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock \
	  || $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	touch $@

# without addresses: hashes alone say what is installed
lock: .venv/.ready
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header \
	  --no-annotate --python-version 3.11 --quiet --output-file requirements.lock
	grep -oE '^uv==[^ ]+' requirements.lock | $(BIN)/uv pip compile - --universal --generate-hashes \
	  --no-header --no-annotate --python-version 3.11 --quiet --output-file requirements-uv.lock
	$(BIN)/uv pip compile mlflow/requirements.in --constraints requirements.lock --universal \
	  --generate-hashes --no-header --no-annotate --python-version 3.11 --quiet \
	  --output-file mlflow/requirements.lock

clean:
	rm -rf .venv var
