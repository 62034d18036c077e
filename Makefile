# Two commands are enough: `make lab` to learn, `make test` to prove. Everything else is here when you look for it.
PYTHON ?= python3

help:             ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' Makefile

setup:            ## .venv with the locked packages, and the programs that are missing
	@$(PYTHON) labs/infra/bootstrap.py

lab: setup        ## broker and JupyterLab; Ctrl-C ends both
	@.venv/bin/lab start

test: setup       ## everything that CI proves
	@.venv/bin/python -m tests.run

test-labs: setup  ## what `make test` leaves out of the labs, and all known wrong answers
	.venv/bin/pytest -n 2 --nbval notebooks
	.venv/bin/pytest -n 2 tests/labs/runs -k "not notebooks"
	.venv/bin/pytest -n 4 tests/mutants

test-faults: setup ## kills, crashes, full disks; and some of it on PostgreSQL
	.venv/bin/pytest tests/faults
	LAB_FAULTS=short LAB_DATABASES=postgresql .venv/bin/pytest tests/faults/test_crashes.py tests/faults/test_reservations.py

test-docker: setup ## the same system in containers
	.venv/bin/pytest tests/containers

bench: setup      ## the figures that the project states
	.venv/bin/python -m benchmarks

notebooks: setup  ## notebooks/ from solutions/
	.venv/bin/lab notebooks

solutions: setup  ## execute solutions/ and store their outputs
	.venv/bin/lab solutions

lint: setup       ## ruff, mypy, import-linter
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

audit: setup      ## known vulnerabilities in what the locks install; asks the package index
	.venv/bin/pip-audit -r requirements.lock -r labs/services/requirements.lock --require-hashes --disable-pip --strict

lock: setup       ## resolve requirements.lock from pyproject.toml, and from both what a service needs of it
	.venv/bin/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header -q -o requirements.lock
	.venv/bin/uv pip compile pyproject.toml -c requirements.lock --universal --generate-hashes --no-header -q -o labs/services/requirements.lock

.PHONY: help setup lab test test-labs test-faults test-docker bench notebooks solutions lint audit lock
