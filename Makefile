# Every verb works on a fresh clone with Python 3.11 or newer, pip and make.
PYTHON ?= python3
BIN := .venv/bin
# Python compiles what is imported; compiling all that is installed takes a minute.
PIP := -m pip install --quiet --disable-pip-version-check --no-compile
PIP_INSTALL := $(PIP) --constraint constraints.txt --editable
REDOCLY := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npx --yes @redocly/cli@2.77.0
CONSOLE_TOOLS := PATH="$(CURDIR)/$(BIN):$$PATH" tests/browser/node_modules/.bin
PARALLEL := --numprocesses 2 --dist worksteal
OPENAPI := openapi.yaml statsig_api_client/local/http/control_api.yaml

.DEFAULT_GOAL := help
.PHONY: help demo test unit lint types generate docs test-slow test-sdks test-browser test-lowest test-spark test-pythons \
	faults fuzz soak bench bench-quick clean

help:   ## print the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: .venv/.ready   ## run the demo on the local server; PROJECT=file for your own project
	$(BIN)/python generate.py --check
	$(BIN)/python examples/demo.py $(PROJECT)

test: lint types   ## lint, type-check and test; COVERAGE=1 measures coverage, which doubles the time
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(if $(COVERAGE),--cov --cov-report term)

unit: .venv/.ready   ## run the fast tests; one test: .venv/bin/python -m pytest tests/FILE::NAME
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" tests/client tests/runtime tests/transports tests/events tests/bulk tests/cli

lint: .venv/.ready tests/browser/node_modules/.ready   ## check style, layers, OpenAPI documents, generated code and the console
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports pyproject.toml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(REDOCLY) lint $(OPENAPI)
	$(BIN)/python generate.py --check
	$(CONSOLE_TOOLS)/openapi-typescript statsig_api_client/local/http/control_api.yaml --output build/console/control_api.d.ts >/dev/null
	$(CONSOLE_TOOLS)/tsc --project tests/browser

types: .venv/.ready   ## run mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

generate: .venv/.ready   ## write the generated code from openapi.yaml
	$(BIN)/python generate.py

docs: .venv-docs/.ready   ## build the documentation site in build/docs; warnings are errors
	.venv-docs/bin/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs

test-slow: .venv/.ready   ## run differential, fuzz and process tests, which `make test` omits
	$(BIN)/python -m pytest $(PARALLEL) -m slow

test-sdks: .venv/.ready tests/local/sdks/node_modules/.ready   ## run the SDKs of Statsig and OpenFeature on the local server
	$(BIN)/python -m pytest $(PARALLEL) tests/local/sdks

test-browser: .venv-browser/.ready tests/browser/node_modules/.ready   ## test the console in Chromium, installing it if necessary
	@command -v chromium || command -v google-chrome || { apt-get update && apt-get install --yes --no-install-recommends chromium; }
	.venv-browser/bin/python -m pytest tests/browser -m "not slow"

test-lowest: .venv-lowest/.ready   ## test with the oldest supported dependencies
	.venv-lowest/bin/python -m pytest $(PARALLEL) -m "not slow" --ignore tests/generation --ignore tests/typing --ignore tests/docs

test-spark: .venv/.ready .venv-spark/.ready   ## type-check and test the Spark package; requires Java 17 or newer
	$(BIN)/mypy --python-executable .venv-spark/bin/python $(wildcard statsig_api_client/spark/*.py)
	$(BIN)/pyright --project tests/spark/pyrightconfig.json
	.venv-spark/bin/python -m pytest tests/spark --cov --cov-config=tests/spark/coverage.ini --cov-report=term

test-pythons: $(foreach version,3.11 3.12 3.13 3.14,test-python-$(version))   ## test on other installed Pythons from 3.11 to 3.14

test-python-%: .venv/.ready
	@if ! python$* -c "" 2>/dev/null; then echo "python$* is not installed: skipped"; \
	elif $(BIN)/python -c "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '$*'.split('.'))))"; then \
		echo "python$* is the Python of make test: skipped"; else \
		$(MAKE) .venv-$*/.ready && .venv-$*/bin/python -m pytest $(PARALLEL) -m "not slow" --ignore tests/generation --ignore tests/typing --ignore tests/docs; fi

faults: .venv/.ready   ## deliver events under every injected fault, in 15 minutes; SCALE=0.1 for a tenth
	$(BIN)/python -m tests.chaos.campaign $(SCALE)

fuzz: .venv/.ready   ## send thousands of generated requests to the local server, in a minute
	FUZZ_REQUESTS=3000 $(BIN)/python -m pytest $(PARALLEL) tests/local/test_fuzz.py

soak: .venv/.ready   ## kill the local server under load and send it a million events, in minutes
	$(BIN)/python tests/local/soak.py

bench: .venv-bench/.ready   ## measure everything into benchmarks/RESULTS.md, in 5 to 10 minutes
	.venv-bench/bin/python benchmarks/run.py
	.venv-bench/bin/python benchmarks/cliffs.py
	.venv-bench/bin/python benchmarks/backlog.py

bench-quick: .venv-bench/.ready   ## measure the main ratios, in half a minute
	.venv-bench/bin/python benchmarks/run.py --quick

clean:   ## remove environments and build output
	rm -rf .venv .venv-* dist build tests/browser/node_modules tests/local/sdks/node_modules

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP_INSTALL) ".[local,dev]"
	touch $@

tests/local/sdks/node_modules/.ready: tests/local/sdks/package.json .venv/.ready
	cd tests/local/sdks && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-package-lock --no-audit --no-fund
	touch $@

tests/browser/node_modules/.ready: tests/browser/package.json .venv/.ready
	cd tests/browser && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-package-lock --no-audit --no-fund
	touch $@

.venv-browser/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-browser
	.venv-browser/bin/python $(PIP_INSTALL) ".[browser]"
	touch $@

.venv-docs/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python $(PIP_INSTALL) ".[docs]"
	touch $@

.venv-lowest/.ready: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python $(PIP) --constraint constraints-lowest.txt --editable ".[bulk,cli,flags,local,test]"
	touch $@

.venv-spark/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python $(PIP_INSTALL) ".[spark,local,test]"
	touch $@

.venv-bench/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python $(PIP_INSTALL) ".[bench]"
	touch $@

.venv-3.%/.ready: pyproject.toml constraints.txt
	python3.$* -m venv .venv-3.$*
	.venv-3.$*/bin/python $(PIP_INSTALL) ".[bulk,cli,flags,local,test]"
	touch $@
