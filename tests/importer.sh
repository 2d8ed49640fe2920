#!/usr/bin/env bash
# Builds the collection and reads it as Galaxy would.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -f build/rackaware-kafka-*.tar.gz
ansible-galaxy collection build --output-path build --force >/dev/null
installed=$(mktemp -d)
trap 'rm -rf "$installed"' EXIT
ANSIBLE_COLLECTIONS_PATH=$installed ansible-galaxy collection install --no-deps --collections-path "$installed" build/rackaware-kafka-*.tar.gz >/dev/null
GALAXY_IMPORTER_CONFIG=.config/galaxy-importer.cfg python -m galaxy_importer.main build/rackaware-kafka-*.tar.gz > build/importer.log 2>&1 || { cat build/importer.log; exit 1; }
if grep -E '(ERROR|WARNING)' build/importer.log; then
  echo "galaxy-importer found the above; the whole log is build/importer.log." >&2
  exit 1
fi
echo "importer: clean"
