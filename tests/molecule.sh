#!/usr/bin/env bash
# Every scenario on hosts of its own, one after another: tests/molecule.sh [scenario …]. The lab is taken down at the end, also after a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  exec sudo --preserve-env=PATH,PYTHONPATH,PYTHONDONTWRITEBYTECODE,ANSIBLE_CONFIG,CI "$0" "$@"
fi

export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/tests" ANSIBLE_CONFIG="$PWD/ansible.cfg" MOLECULE_GLOB='molecule/*/molecule.yml'
[ $# -gt 0 ] || set -- zookeeper kraft
# pytest shortens its summary to it.
export COLUMNS=200
mkdir -p build/molecule
trap 'python -m lab down' EXIT

failures() { # the cases and the steps of molecule that failed, by name, in a molecule's output
  sed -E 's/\x1b\[[0-9;]*m//g; s/^ *│ //' "$1" |
    sed -nE 's#^(FAILED|ERROR) [^ ]*(tests/cases/)#FAILED \2#p; s#^[A-Z]+ +([a-z-]+ ➜ [a-z_]+): Executed: Failed.*#FAILED \1#p'
}

for scenario in "$@"; do
  started=$SECONDS
  printf '\n== molecule %s\n' "$scenario"
  # Before any playbook, because the inventory is the API's.
  # An instance store is a virtual machine's.
  virtual=; [ "$scenario" != encrypted ] || virtual=--vm
  python -m lab up --fresh $virtual
  eval "$(python -m lab env)"
  # back-… and …-long have the hosts of the scenario that they name.
  metadata=${scenario#back-} metadata=${metadata%-long}
  export KAFKA_METADATA=$metadata KAFKA_CLUSTER=${metadata/zookeeper/demo} ANSIBLE_LOG_PATH="$PWD/build/molecule/$scenario.log"
  # The second is of an earlier lab's cluster.
  rm -f "$ANSIBLE_LOG_PATH" "reports/$KAFKA_CLUSTER-client.properties"
  # A run that died would have left word that its hosts exist; the lab is new.
  molecule reset --scenario-name default >/dev/null 2>&1
  molecule reset --scenario-name "$scenario" >/dev/null 2>&1
  # What the playbook leaves of the other clusters, the lab takes away.
  destroy=never; [ "$scenario" != "${!#}" ] || destroy=always
  if ! molecule test --destroy "$destroy" --scenario-name "$scenario" 2>&1 | tee "build/molecule/$scenario.out"; then
    # What failed is far above molecule's own summary, and a log is often seen from its end, where the names are.
    printf '\n== molecule %s failed:\n' "$scenario"
    grep -ah -A 80 -E 'fatal: |FAILED' "$ANSIBLE_LOG_PATH" "build/molecule/$scenario.out" | cut -c 1-2000 | tail -n 90
    printf '\n== the lab:\n'
    tail -n 20 "$(python -c 'from lab.settings import SERVER_LOG; print(SERVER_LOG)')"
    printf '\n== molecule %s failed in:\n' "$scenario"
    failures "build/molecule/$scenario.out"
    exit 1
  fi
  # molecule only warns of a step without tests, and would pass.
  if grep -aq 'no tests found' "build/molecule/$scenario.out"; then
    echo "FAILED $scenario: it has no tests." >&2
    exit 1
  fi
  printf '== molecule %s passed in %d s\n' "$scenario" "$((SECONDS - started))"
done
