#!/usr/bin/env bash
# Checks the Python programs with ruff and mypy, as pyproject.toml says. Both are taken from .lint (make setup-lint) or from the PATH;
# where one is missing, that is said and the check skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -d .lint ]; then
    export PATH="$PWD/.lint/bin:$PATH" PYTHONPATH="$PWD/.lint"
fi
missing=""
for tool in ruff mypy; do
    command -v "$tool" >/dev/null 2>&1 || missing="${missing:+$missing and }$tool"
done
if [ -n "$missing" ]; then
    echo "lint: the Python scripts are not checked: $missing not installed; make setup-lint installs both"
    exit 0
fi
ruff check --quiet
ruff format --quiet --check || { echo "lint: ruff format would change the files above; run ruff format" >&2; exit 1; }
# The examples are programs of one name, so that each is checked by itself.
mypy --no-error-summary scripts training
for example in examples/python-*; do
    mypy --no-error-summary "$example"
done
