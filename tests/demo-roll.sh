#!/usr/bin/env bash
# A restart of every node of the demo's cluster, while a client writes and counts: tests/demo-roll.sh [zookeeper | kraft | combined]. It ends with a page.
set -euo pipefail
cd "$(dirname "$0")/.."

source tests/demo-cluster.sh

# Changes nothing where the cluster stands already.
tests/demo.sh "$metadata"
eval "$(python -m lab env)"

# The ledger makes topics and watches all of them, which the demo's user may not. Without security this does nothing.
ansible-playbook -i inventories/lab molecule/shared/let_in.yml
login=()
if [ -e "reports/$KAFKA_CLUSTER-client.properties" ]; then
  login=(--client-config "reports/$KAFKA_CLUSTER-client.properties")
fi

printf '\n== rolling_restart: every node, under load\n'
rm -rf reports/ledger
python -m ledger.during --bootstrap "$(servers)" "${login[@]}" --out reports/ledger --events "reports/$KAFKA_CLUSTER-roll.jsonl" --rate 100 -- \
  ansible-playbook -i inventories/lab playbooks/rolling_restart.yml -e roll_all=true
python tests/roll_page.py "reports/$KAFKA_CLUSTER-roll" reports/ledger/report.json
