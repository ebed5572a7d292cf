# Every verb works on a fresh clone with Python (3.11 or newer), pip and make.
PYTHON ?= python3
BIN := .venv/bin
REDOCLY := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npx --yes @redocly/cli@2.77.0

.PHONY: demo test generate lint types docs soak lowest clean

demo: .venv/.ready   ## the main job on the local server; PROJECT=file for a project of your own
	$(BIN)/python generate.py --check
	$(BIN)/python examples/demo.py $(PROJECT)

test: lint types tests/local/sdks/node_modules/.ready   ## everything that must hold before a change lands
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report term
	$(MAKE) lowest

generate: .venv/.ready   ## write the generated code and the reference from openapi.yaml
	$(BIN)/python generate.py
	$(BIN)/python docs/reference.py

lint: .venv/.ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(REDOCLY) lint openapi.yaml
	$(BIN)/python generate.py --check
	$(BIN)/python docs/reference.py --check

types: .venv/.ready
	$(BIN)/mypy
	$(BIN)/pyright

soak: .venv/.ready   ## minutes of kill -9 under load, and of a million events, on the local server
	$(BIN)/python tests/local/soak.py

lowest: .venv-lowest/.ready   ## the client on the oldest dependencies that it allows
	.venv-lowest/bin/python -m pytest --numprocesses 2 --ignore tests/generation --ignore tests/test_typing.py

clean:
	rm -rf .venv .venv-lowest dist build tests/local/sdks/node_modules

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable ".[local,dev]"
	touch $@

tests/local/sdks/node_modules/.ready: tests/local/sdks/package.json .venv/.ready
	cd tests/local/sdks && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-package-lock --no-audit --no-fund
	touch $@

.venv-lowest/.ready: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints-lowest.txt --editable ".[bulk,cli,local,test]"
	touch $@
