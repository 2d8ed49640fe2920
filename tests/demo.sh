#!/usr/bin/env bash
# A working three-zone cluster on this machine, from nothing: the lab, provision, site, and how to talk to it.
set -euo pipefail
cd "$(dirname "$0")/.."

source tests/demo-cluster.sh

started=$SECONDS
step() { printf '\n== %s (%d s)\n' "$1" "$((SECONDS - started))"; }

step "The lab: EC2 on this machine"
python -m lab up
eval "$(python -m lab env)"

step "provision: a VPC, six instances in three zones, their disks"
ansible-playbook -i inventories/lab playbooks/provision.yml

step "site: the hosts, ZooKeeper or controllers, the brokers, and the proof"
ansible-playbook -i inventories/lab playbooks/site.yml

# site writes it, for clients of a cluster that is secured.
if [ -e "reports/$KAFKA_CLUSTER-ca.pem" ]; then
  step "objects: a topic, a user and what it may do"
  ansible-playbook -i inventories/lab playbooks/objects.yml -e @inventories/demo-objects.yml
  clients=$(python tests/demo_client.py "$KAFKA_CLUSTER" "$(servers)" "$metadata")
  # Only the owner reads its password, which is not root where sudo came before.
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:$SUDO_GID" "reports/$KAFKA_CLUSTER-demo"[-.]*
else
  clients="Everyone who reaches $(servers) may do anything: its topology says security: none."
fi
cat <<END

The cluster $KAFKA_CLUSTER stands, after $((SECONDS - started)) seconds.

  Its page:        reports/$KAFKA_CLUSTER.html
  Ask it:          eval "\$(make -s env METADATA=$metadata)"
                   ansible -i inventories/lab kafka_brokers -m command -a 'systemctl is-active kafka'
  A second run:    ansible-playbook -i inventories/lab playbooks/site.yml
  The end:         make clean

$clients
END
