#!/usr/bin/env bash
# ansible-lint (profile production), ruff, and the linters of the docs and of the changelog.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff check --quiet plugins tests
ruff format --quiet --check plugins tests || { echo "Run: ruff format plugins tests" >&2; exit 1; }
ANSIBLE_COLLECTIONS_PATH=.collections ansible-lint --offline -q --nocolor
antsibull-changelog lint
ANSIBLE_COLLECTIONS_PATH=.collections antsibull-docs lint-collection-docs --plugin-docs .
echo "lint: clean"
