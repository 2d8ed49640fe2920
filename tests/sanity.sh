#!/usr/bin/env bash
# ansible-test sanity. It resolves links and refuses a checkout that is not laid out as ansible_collections/<namespace>/<name>,
# so that it runs in a copy.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
target=$copy/ansible_collections/rackaware/kafka
mkdir -p "$target"
git ls-files -z --cached --others --exclude-standard | grep -zv '^\.collections/' |
  while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done | xargs -0 cp --parents -Pt "$target"
# ansible-test would download get-pip; the interpreter's own ensurepip does the same without it.
mkdir -p "$HOME/.ansible/test/cache"
printf 'import ensurepip\n\nensurepip.bootstrap()\n' > "$HOME/.ansible/test/cache/get_pip_24_2.py"
version=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
cd "$target"
git init -q .
git add -A
ansible-test sanity --color no --local --python "$version" --skip-test pylint
