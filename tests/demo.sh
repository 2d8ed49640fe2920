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

broker=$(ansible-inventory -i inventories/lab --list | jq -r '._meta.hostvars[.kafka_brokers.hosts[0]].ansible_host | .__ansible_unsafe? // .')
login=reports/$KAFKA_CLUSTER-client.properties
if [ -e "$login" ]; then
  clients="$broker:9092, with $login (docs/clients.md)"
else
  clients="bootstrap.servers=$broker:9092"
fi
cat <<END

The cluster $KAFKA_CLUSTER stands, after $((SECONDS - started)) seconds.

  Its page:        reports/$KAFKA_CLUSTER.html
  Clients:         $clients
  Ask it:          eval "\$(make -s env METADATA=$metadata)"
                   ansible -i inventories/lab kafka_brokers -m command -a 'systemctl is-active kafka'
  A second run:    ansible-playbook -i inventories/lab playbooks/site.yml
  The end:         make clean
END
