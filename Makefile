# What fanfold's users and developers run. Each target sets up what it needs.
#
# Needs make and Python 3.11 to 3.13; another than `python3`: make PYTHON=python3.12 demo
# Everything is written inside this folder; `make clean` takes it away again.

PYTHON ?= python3
PEERS_PYTHON ?= $(PYTHON)
PORT ?= 5000
CONFIG ?= configs/demo.yaml
TEST_WORKERS ?= 4

BIN := .venv/bin
# A moved folder or another Python is another environment.
PLACE := $(shell printf '%s' '$(CURDIR) $(PYTHON) $(PEERS_PYTHON)' | cksum | cut -d ' ' -f 1)
READY := .venv/.ready-$(PLACE)
PEERS_READY := .venv-peers/.ready-$(PLACE)
TOOLS_READY := .venv-tools/.ready-$(PLACE)

export FANFOLD_HOME ?= $(CURDIR)/.fanfold
export UV_PYTHON_DOWNLOADS := never
export PYTHONNOUSERSITE := 1
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test soak-faults soak-live soak-venue check bench bench-risk bench-data bench-venue bench-live watch ui fmt lint types imports spelling manifests audit secrets image lock clean

help: ## Show what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## Backtest three strategies over thousands of combinations, with a report
	$(BIN)/fanfold run $(CONFIG)

# What runs alone comes last: two clusters at once would starve each other's start.
test: $(READY) ## Run all tests, with coverage where Python counts lines by itself: from 3.12 on
	@$(if $(CI),infra/system.sh chromium prometheus,:)
	$(BIN)/python -m pytest tests/integration tests/unit tests/conformance \
	  -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder -m "not cluster and not soak" \
	  $(if $(COUNTS),--cov=fanfold --cov-report= --cov-fail-under=0)
	$(BIN)/python -m pytest tests/integration -m "cluster and not soak" \
	  $(if $(COUNTS),--cov=fanfold --cov-append --cov-report=term-missing:skip-covered)

# Before 3.12 counting lines takes as long as running them.
COUNTS = $(shell $(BIN)/python -c 'import sys; print("yes" * (sys.version_info >= (3, 12)))')
export COVERAGE_CORE = $(if $(COUNTS),sysmon,ctrace)

soak-faults: $(READY) ## Kill workers, nodes and drivers for some minutes
	$(BIN)/python -m pytest tests/integration/test_submit.py tests/integration/test_faults.py \
	  tests/integration/test_risk_jobs.py tests/integration/test_ingest_faults.py \
	  tests/integration/test_live_serve.py tests/integration/test_head_lost.py -m soak

soak-live: $(READY) ## Trade thirty compressed days while everything goes wrong, and compare all books
	$(BIN)/fanfold chaos run --seed 7 --days 30 --faults 1000 --json

soak-venue: $(READY) ## Kill a venue under traffic, 200 times, and compare with its clients
	$(BIN)/python -m pytest tests/integration/test_venue_kill.py -m soak

check: lint types imports spelling manifests audit ## Run every check beside the tests, as CI does
	$(BIN)/python infra/hooks/locks.py
	$(BIN)/towncrier build --draft --version unreleased >/dev/null

bench: $(READY) $(PEERS_READY) ## Measure speed and memory beside other engines
	$(BIN)/python tests/benchmarks/run.py

bench-risk: $(READY) ## Measure Monte Carlo and measures beside numpy, arch and empyrical
	$(BIN)/python tests/benchmarks/paths.py
	$(BIN)/python tests/benchmarks/measures_peer.py

bench-data: $(READY) $(PEERS_READY) ## Measure ingest and reading beside pandas and polars
	$(BIN)/python tests/benchmarks/data.py

bench-venue: $(READY) ## Measure the venue: messages out, orders in, both at once
	$(BIN)/python -m tests.benchmarks.venue

bench-live: $(READY) ## Measure live trading from a quote's scheduled time to order bytes
	$(BIN)/python -m tests.benchmarks.live

watch: $(READY) ## Watch this machine's live deployments with Prometheus
	$(BIN)/python infra/prometheus/watch.py

ui: $(READY) ## Browse the stored runs with MLflow
	@mkdir -p mlruns
	@echo 'Open http://127.0.0.1:$(PORT)/?workflowType=machine_learning (Ctrl-C ends it)'
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
	$(BIN)/mlflow server --host 127.0.0.1 --port $(PORT) --workers 1 \
	  --backend-store-uri 'sqlite:///$(CURDIR)/mlruns/mlflow.db' \
	  --artifacts-destination '$(CURDIR)/mlruns/artifacts'

fmt: $(READY) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

lint: $(READY) ## Check style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## Check types
	$(BIN)/basedpyright

imports: $(READY) ## Check that imports point downward
	$(BIN)/lint-imports

spelling: $(READY) ## Check spelling
	$(BIN)/typos

manifests: $(TOOLS_READY) ## Check the image, the compose file and the scripts of clusters
	.venv-tools/bin/hadolint infra/Dockerfile
	.venv-tools/bin/docker-compose --file infra/compose.yaml config --quiet
	.venv-tools/bin/shellcheck cluster/*.sh infra/*.sh infra/compose/*.sh .ci/run

audit: $(READY) ## Look up what is locked among known vulnerabilities
	$(BIN)/python infra/audit.py

secrets: ## Make the tokens and passwords of the compose file; what is there stays
	infra/compose/secrets.sh

image: ## Build the image of clusters, with docker
	docker build --file infra/Dockerfile --tag fanfold:0.1.0 .

lock: $(READY) ## Renew the locks after a change of dependencies
	$(COMPILE) --group dev pyproject.toml --output-file requirements.lock
	cd infra && ../$(COMPILE) bootstrap.in --constraints ../requirements.lock --output-file bootstrap.lock
	cd infra && ../$(COMPILE) peers.in --output-file peers.lock
	cd infra && ../$(COMPILE) tools.in --output-file tools.lock

COMPILE = .uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header

clean: ## Remove environments and caches; results in mlruns stay
	rm -rf .venv .venv-peers .venv-tools .uv .fanfold .pytest_cache .ruff_cache .import_linter_cache \
	  .hypothesis .coverage
	find src tests jobs infra -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml requirements.lock infra/bootstrap.lock infra/environment.py
	@$(FIND_PYTHON)
	@'$(PYTHON)' infra/environment.py .venv requirements.lock --project
	@rm -f .venv/.ready-* && touch '$@'

$(PEERS_READY): infra/peers.lock infra/bootstrap.lock infra/environment.py
	@'$(PEERS_PYTHON)' infra/environment.py .venv-peers infra/peers.lock
	@rm -f .venv-peers/.ready-* && touch '$@'

$(TOOLS_READY): infra/tools.lock infra/bootstrap.lock infra/environment.py
	@$(FIND_PYTHON)
	@'$(PYTHON)' infra/environment.py .venv-tools infra/tools.lock
	@rm -f .venv-tools/.ready-* && touch '$@'

FIND_PYTHON = command -v '$(PYTHON)' >/dev/null || { \
  echo "fanfold: needs Python 3.11 to 3.13, but there is no $(PYTHON) here." \
  "Name one: make PYTHON=/path/to/python3.12" >&2; exit 2; }
