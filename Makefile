# ragqa: `make run` and `make test` do everything from nothing; see `make help`.

SHELL := /bin/sh
BIN := .venv/bin
PORT ?= 8000
# The least part of lines and branches that the tests must pass through, in percent.
COVERAGE ?= 80

.PHONY: help setup models run test check format bench pin

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

setup: ## make .venv with everything in it
	@sh scripts/setup.sh
	@$(BIN)/python -m compileall -q ragqa ingest  # else each start compiles what cannot be kept

models: setup ## fetch the default models
	@$(BIN)/ragqa models pull

run: setup ## start database, service, page and worker on http://127.0.0.1:$(PORT)
	@exec $(BIN)/ragqa serve --pull --port $(PORT) --demo samples

test: models ## run every test, with coverage
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE) $(PYTEST)

check: setup ## format, lint, types, import direction; changes nothing
	@sh scripts/check.sh

format: setup ## put the code into the one format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: models ## run the benchmarks; tables on the terminal, JSON in benchmarks/results
	@$(BIN)/python benchmarks/run.py

pin: setup ## write constraints.txt from what is installed
	@$(BIN)/python scripts/pin.py
