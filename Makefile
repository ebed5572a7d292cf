# Every verb works on a fresh clone with Python (3.11 or newer), pip and make.
PYTHON ?= python3
BIN := .venv/bin
REDOCLY := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npx --yes @redocly/cli@2.77.0

.PHONY: demo test test-spark generate lint types docs faults fuzz soak bench bench-quick lowest clean

demo: .venv/.ready   ## the main job on the local server; PROJECT=file for a project of your own
	$(BIN)/python generate.py --check
	$(BIN)/python examples/demo.py $(PROJECT)

test: lint types tests/local/sdks/node_modules/.ready   ## everything that must hold before a change lands
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report term
	$(MAKE) lowest

test-spark: .venv/.ready .venv-spark/.ready   ## Spark's part, on a Spark of this machine; needs Java 17 or newer
	$(BIN)/mypy --python-executable .venv-spark/bin/python $(wildcard statsig_api_client/spark/*.py)
	$(BIN)/pyright --project tests/spark/pyrightconfig.json
	.venv-spark/bin/python -m pytest tests/spark --cov=statsig_api_client.spark --cov-config=tests/spark/coverage.ini --cov-report=term

faults: .venv/.ready   ## events under every fault, many times; SCALE=0.1 for a tenth of the runs
	$(BIN)/python -m tests.chaos.campaign $(SCALE)

generate: .venv/.ready   ## write the generated code and the reference from openapi.yaml
	$(BIN)/python generate.py
	$(BIN)/python docs/reference.py

lint: .venv/.ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(REDOCLY) lint openapi.yaml statsig_api_client/local/http/control_api.yaml
	$(BIN)/python generate.py --check
	$(BIN)/python docs/reference.py --check

types: .venv/.ready
	$(BIN)/mypy
	$(BIN)/pyright

fuzz: .venv/.ready   ## thousands of requests made up from the contracts, a minute of them
	FUZZ_REQUESTS=3000 $(BIN)/python -m pytest --numprocesses 2 tests/local/test_fuzz.py

soak: .venv/.ready   ## minutes of kill -9 under load, and of a million events, on the local server
	$(BIN)/python tests/local/soak.py

bench: .venv-bench/.ready   ## everything that is measured, into benchmarks/RESULTS.md: 5 to 10 minutes
	.venv-bench/bin/python benchmarks/run.py

bench-quick: .venv-bench/.ready   ## the ratios that matter, in half a minute
	.venv-bench/bin/python benchmarks/run.py --quick

lowest: .venv-lowest/.ready   ## the client on the oldest dependencies that it allows
	.venv-lowest/bin/python -m pytest --numprocesses 2 --ignore tests/generation --ignore tests/typing

clean:
	rm -rf .venv .venv-bench .venv-lowest .venv-spark dist build tests/local/sdks/node_modules

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

.venv-spark/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable ".[spark,local,test]"
	touch $@

.venv-bench/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable ".[bench]"
	touch $@
