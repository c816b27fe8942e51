# The two commands: `make run` and `make test`. Everything else stands under `make help`.
# Needs Python 3.11 to 3.14 and make; the rest is fetched, at locked versions, into this folder.

STAGE ?= dev
F ?= chatwoot_webhook
RUN_OPTIONS ?=
TEST_OPTIONS ?=

BIN := .venv/bin
PYTHON_TOOL := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python
CDK := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/node node_modules/aws-cdk/bin/cdk
# Python keeps what it compiled, whatever the shell says: the CDK's library takes seconds to compile.
unexport PYTHONDONTWRITEBYTECODE
export CDK_DISABLE_CLI_TELEMETRY := true

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run down test check format format-check lint types architecture synth tests \
	crash-matrix email-failures deploy destroy diff sam-invoke clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Install everything that is missing into this folder
	@sh local/setup.sh

run: setup ## Run it all on this machine, play a sample conversation, stop with Ctrl-C
	@$(PYTHON_TOOL) -m local up $(RUN_OPTIONS)

down: setup ## Stop what a `make run` left behind
	@$(PYTHON_TOOL) -m local down

test: setup tests ## Run every test, with coverage

check: setup format-check lint types architecture synth tests ## All that CI runs: format, lint, types, architecture, infra, tests

format: setup ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

format-check:
	$(BIN)/ruff format --check

lint:
	$(BIN)/ruff check

types:
	$(BIN)/mypy

architecture:
	$(BIN)/lint-imports

synth:
	$(CDK) synth --quiet --no-notices -c stage=$(STAGE)

tests:
	@$(PYTHON_TOOL) -m local.test_run $(TEST_OPTIONS)

crash-matrix: setup ## Every effect of a turn times every fault; WRITE=1 puts the result into docs/reliability.md
	@$(PYTHON_TOOL) -m tests.reliability.matrix $(if $(WRITE),--write)

email-failures: setup ## Every e-mail vendor times every failure; WRITE=1 puts it into docs/reference/email-failures.md
	@$(PYTHON_TOOL) -m tests.integration.email.fault_table $(if $(WRITE),--write)

deploy: setup ## Deploy to your AWS account: make deploy STAGE=dev
	$(CDK) deploy --all --no-notices -c stage=$(STAGE) $(CDK_OPTIONS)

diff: setup ## Show what a deployment would change
	$(CDK) diff --no-notices -c stage=$(STAGE) $(CDK_OPTIONS)

destroy: setup ## Delete a deployment
	@$(PYTHON_TOOL) -m infra.emptying $(STAGE)
	$(CDK) destroy --all --no-notices -c stage=$(STAGE) $(CDK_OPTIONS)

sam-invoke: setup ## Run one function with the SAM CLI (needs Docker): make sam-invoke F=chatwoot_webhook
	$(PYTHON_TOOL) -m infra.sam $(F)

clean: ## Delete everything that was made here
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m local down || true; fi
	rm -rf .venv .cache .local cdk.out node_modules build dist *.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
