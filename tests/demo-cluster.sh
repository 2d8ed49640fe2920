# Which cluster the demo is about, by the script's first argument, and root for the lab: sourced by demo.sh and demo-roll.sh.
# shellcheck shell=bash
metadata=${1:-zookeeper}
case "$metadata" in
  zookeeper) export KAFKA_CLUSTER=demo ;;
  kraft | combined) export KAFKA_CLUSTER=$metadata ;;
  *) echo "METADATA=$metadata is not known: say zookeeper, kraft or combined." >&2; exit 2 ;;
esac
export KAFKA_METADATA=$metadata

# The lab needs root for bridges, block devices and machines, and for nothing else on the way.
if [ "$(id -u)" != 0 ]; then
  exec sudo --preserve-env=PATH,PYTHONPATH,PYTHONDONTWRITEBYTECODE,ANSIBLE_CONFIG,CI "$0" "$metadata"
fi

# Where its brokers listen for clients.
servers() {
  ansible-inventory -i inventories/lab --list |
    jq -r '. as $all | [.kafka_brokers.hosts[] | $all._meta.hostvars[.].ansible_host | (.__ansible_unsafe? // .) + ":9092"] | join(",")'
}
