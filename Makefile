# Everything that people do with a checkout. `make` alone lists it.
# The program is built for release with Swift's library inside it, so that it runs where there is no Swift.

SWIFT ?= swift
# An import that Package.swift does not name is an error.
CHECK = --explicit-target-dependency-import-check error
BUILD = $(SWIFT) build -c release --static-swift-stdlib --product silhouette $(CHECK)
HOST ?= 127.0.0.1
PORT ?= 9001
BACKENDS ?=
CLIENTS ?= available
SECONDS ?= 600
RELEASE ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-lint build run test lint lint-python format bench stress docs dist clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: Debian packages and the ONNX Runtime library (BACKENDS=openvino: OpenVINO too)
	@BACKENDS="$(BACKENDS)" scripts/setup.sh

setup-lint: ## Install the linters of the Python scripts (ruff, mypy) into .lint
	@python3 -m pip install --quiet --disable-pip-version-check --upgrade --target .lint -r scripts/requirements-lint.txt

build: setup ## Build .build/release/silhouette
	@echo "build: compiling for release; the first time takes some minutes"
	@$(BUILD)

run: build ## Start the server with the default model and print a request to paste
	@scripts/run.sh "$(HOST)" "$(PORT)"

test: setup ## Run all tests (CLIENTS=all: a client whose runtime is missing or incomplete is a failure, not skipped)
	@echo "test: compiling and running all tests; the first time takes some minutes"
	@$(SWIFT) build --build-tests $(CHECK)
	@$(SWIFT) test --skip-build --no-parallel
	@echo "test: trying the clients that can run here; scripts/setup_clients.sh installs what the others need"
	@CLIENTS="$(CLIENTS)" scripts/test_clients.sh

lint: lint-python ## Check formatting, imports, conversions of numbers, English, and the Python scripts
	@$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift
	@scripts/check_imports.sh
	@scripts/check_conversions.sh
	@scripts/check_english.sh

lint-python: ## Check the Python scripts with ruff and mypy; skipped where they are not installed
	@scripts/lint_python.sh

format: ## Format the sources
	@$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

bench: build ## Measure stages, latency, throughput and memory against the network's own time
	@scripts/bench.sh

stress: build ## Attack the server and show whether it keeps its promises (SECONDS=600)
	@python3 scripts/stress.py --server .build/release/silhouette --seconds $(SECONDS)

docs: setup ## Build the documentation of the libraries into docs/api
	@scripts/docs.sh

dist: build ## Pack the program, ONNX Runtime and the default model into .build/dist (RELEASE=vX.Y.Z: for that release)
	@RELEASE="$(RELEASE)" scripts/dist.sh

clean: ## Remove what was built; what setup fetched stays
	@rm -rf .build
