# Needs python3 (3.11 or newer) and make; everything else is fetched into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv
JOBS   ?= 2
N      ?= 2000
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
# Folders without quick tests, which `make check` need not look into.
ALL_SLOW := tests/acceptance tests/conformance tests/dbt_adapters tests/dbt_bridge tests/fuzz tests/proofs
CODE   := src tests benchmarks examples tools scripts

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo lifecycle-demo spark-demo screenshots test test-dbt test-frozen test-long test-versions test-next proofs check fmt fuzz bench docs lock clean help

demo: $(VENV)/.runtime  ## a small shop over SQLite, DuckDB and Parquet, in one dbt project; no server
	@$(BIN)/python tools/demo.py

lifecycle-demo: $(VENV)/.dev  ## 3,000 old files: planned, backed up, deleted, and one restored; no server
	@$(BIN)/python tools/lifecycle_demo.py

test: $(VENV)/.dev $(VENV)/.servers  ## every test but most of dbt's own suite, against real PostgreSQL and MariaDB servers
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not dbt_suite and not frozen and not long and not versions"

test-frozen: $(VENV)/.dev $(VENV)/.servers  ## runs whose network freezes, on PostgreSQL and MariaDB: some twenty minutes
	@$(BIN)/python -m pytest tests/acceptance/test_frozen.py

test-long: $(VENV)/.dev $(VENV)/.servers  ## many kills, many runs of one DAG, large data in every bucket: some two hours
	@$(BIN)/python -m pytest -n $(JOBS) -m "long and not versions"
	@DVT_TEST_KILLS=30 DVT_TEST_MARIADB_KILLS=50 DVT_TEST_DAG_TIMES=20 DVT_TEST_INCREMENTAL=200 DVT_TEST_MACHINE_ROUNDS=50 \
		DVT_TEST_SEED_KILLS=10 \
		$(BIN)/python -m pytest -n $(JOBS) --dist loadfile tests/acceptance/test_kill.py tests/acceptance/test_dag.py \
		tests/acceptance/test_incremental_extraction.py tests/acceptance/test_killed_machines.py tests/acceptance/test_seed_kills.py

test-dbt: $(VENV)/.dev $(VENV)/.servers  ## all of dbt's own suite for adapters, on dvt's adapter and MariaDB
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder tests/dbt_adapters

test-versions: $(VENV)/.dev $(VENV)/.servers  ## the connectors' own suites on PostgreSQL 13 to 18 and MySQL 5.6: some forty minutes
	@$(BIN)/python tools/versions.py

test-next: $(VENV)-next/.done $(VENV)/.servers  ## the tests of dvt's bridge to dbt, on the next dbt-core (1.12)
	@$(VENV)-next/bin/python -m pytest tests/dbt_bridge

proofs: $(VENV)/.dev $(VENV)/.servers  ## every proof of translation against the live servers; writes the tables of what is proven
	@$(BIN)/python -m tests.proofs

check: $(VENV)/.dev  ## formatting, lints, types, import rules and the quick tests
	@$(BIN)/ruff format --check $(wildcard $(CODE))
	@$(BIN)/ruff check $(wildcard $(CODE))
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -m "not slow" $(ALL_SLOW:%=--ignore=%)

fmt: $(VENV)/.dev  ## format the code and apply the lints' own fixes
	@$(BIN)/ruff check --fix-only $(wildcard $(CODE))
	@$(BIN)/ruff format $(wildcard $(CODE))

fuzz: $(VENV)/.dev $(VENV)/.servers  ## N random queries (2000) across databases, each against its dialect's live database
	@$(BIN)/python -m tests.fuzz -n $(N) $(FUZZ)

bench: $(VENV)/.dev $(VENV)/.servers  ## speed and memory against the databases' own tools, as ratios
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.dev  ## the generated pages of docs/reference
	@$(BIN)/python tools/reference.py

spark-demo: $(VENV)/.dev  ## the shop on a cluster of Spark, which is started on this machine from packages; needs Java 17
	@$(BIN)/python tools/spark_demo.py

screenshots: $(VENV)/.dev $(VENV)/.servers  ## the pictures of the page in docs/images
	@$(BIN)/python tools/screenshots.py

lock: $(VENV)/.uv  ## requirements/*.txt from requirements/*.in
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) requirements/uv.in -o requirements/uv.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) requirements/runtime.in -o requirements/runtime.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) -c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) -c requirements/runtime.txt requirements/dbt-bigquery.in -o requirements/dbt-bigquery.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) --no-deps requirements/dbt-next.in -o requirements/dbt-next.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) requirements/fakesnow.in -o requirements/fakesnow.txt

clean:  ## remove the environment, caches and what the demo built
	rm -rf $(VENV) $(VENV)-next .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	rm -rf examples/*/data examples/*/target examples/*/logs examples/*/.dvt

help:  ## show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.uv: requirements/uv.txt tools/environment.sh
	@PYTHON="$(PYTHON)" sh tools/environment.sh $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements/runtime.txt pyproject.toml
	@echo "installing what dvt needs to run into $(VENV)"
	@$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/runtime.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "installing what tests and checks need into $(VENV)"
	@$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)-next/.done: $(VENV)/.dev requirements/dbt-next.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-next
	@VIRTUAL_ENV=$(CURDIR)/$(VENV)-next $(BIN)/uv pip install --quiet --require-hashes -r requirements/runtime.txt -r requirements/dev.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV)-next $(BIN)/uv pip install --quiet --no-deps --require-hashes -r requirements/dbt-next.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV)-next $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.servers: tools/servers.sh tools/bucket_servers.sh tools/browser.sh tools/cleaners.sh tools/programs.sh | $(VENV)/.uv
	@sh tools/servers.sh
	@sh tools/bucket_servers.sh || echo "tests of its buckets will be skipped" >&2
	@sh tools/browser.sh || echo "tests of the page in a browser will be skipped" >&2
	@sh tools/cleaners.sh || echo "tests that compare dvt with other cleaners will be skipped" >&2
	@touch $@
