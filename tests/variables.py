"""Print docs/variables.md from the specifications: python tests/variables.py > docs/variables.md."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.rackaware.kafka.plugins.module_utils._config import playbook_inputs, topology_spec

ROLES = (
    *(
        "network",
        "instances",
        "os_tuning",
        "java",
        "data_volume",
        "key_custody",
        "encrypted_store",
        "kafka_install",
        "tls",
    ),
    *("zookeeper", "controller", "broker", "roll", "upgrade", "objects"),
)
HEAD = """# Variables

Every input of the playbooks and of the roles, with its type and default.
A variable of ours that is misspelled, or of the wrong type, is refused before anything changes. So is a variable of
your own that begins with `kafka_`, `broker_`, `zookeeper_`, `controller_`, `os_tuning_`, `data_volume_`,
`encrypted_store_` or `key_custody_`, unless it stands in `kafka_own_variables`.
What describes hosts and the whole cluster may stand in the inventory, per host or per group: it is read from the nodes,
and nodes that disagree about the cluster are refused. What the run itself reads (`roll_*`, `upgrade_*`,
`key_custody_*`, `objects_*`, `instances_*`, `network_*`, the objects of a cluster and
[the playbooks' inputs](#the-playbooks)) is read on localhost: set it with `-e`, or in `group_vars/all`; in a group of
nodes it is refused. Leave `kafka_confirm`, `kafka_selected_nodes`, `kafka_accept_loss`
and `kafka_revoke_urgent` to `-e`: in a file they would confirm every run.

## The inventory

What says who a host is. The `aws_ec2` inventory composes it from tags; a static one writes it down. Other nodes and
clients reach it at `ansible_host`, a name, an IPv4 address, or an IPv6 address without brackets.

| variable | meaning |
| --- | --- |
| `kafka_cluster` | Required: the cluster's name, which its keys, reports and confirmations bear. One run works on one cluster. |
| `kafka_node_id` | The node's id, unique in its cluster and kept for life. ZooKeeper nodes count for themselves; disks and running service must agree. |
| `kafka_rack` | The node's Availability Zone. |
| `kafka_data_volumes` | EBS volume ids in the order of device names, or paths under `/dev/disk/by-id`; `/dev/mapper/kafka-d<n>` are encrypted stores. |
| `kafka_instance_type` | The EC2 instance type; the API tells what it offers. |
| `kafka_instance_id` | The EC2 instance. |
| `kafka_topology` | [The topology](#the-topology) of the cluster; the inventory must have its nodes. |
"""
PLAYBOOKS = """
## The playbooks

What single playbooks take beside the inputs of the roles, mostly by `-e`. An old name is
refused with the new one; `confirm`, `nodes`, `urgent`, `headers`, `hours` and `files` only with `-e`, because an inventory may
have its own.

| variable | type | default | playbooks | meaning |
| --- | --- | --- | --- | --- |
"""
TOPOLOGY = """
## The topology

The keys of `kafka_topology`. `provision` builds what it says and needs what is required; the other playbooks read what
they need of it, and compare its nodes with the inventory's where it has any. A key that is unknown or of another type
is refused by `provision`, and by the others in a topology that has nodes; nothing is converted. Null counts as left out.
A dash is no default, or one that the meaning says.

| key | type | default | meaning |
| --- | --- | --- | --- |
"""
# What is said of brokers holds for these, too; the page has only what differs.
LIKE_BROKERS = ("zookeepers", "controllers")


def plain(text: str | list[str]) -> str:
    """A description without Ansible's markup."""
    text = " ".join(text) if isinstance(text, list) else text
    text = re.sub(r"\bO\(([\w.]+)#\w+:([^)]*)\)", r"`\2` of `\1`", text)
    text = re.sub(r"\b[CVO]\(([^)]*)\)", r"`\1`", text)
    text = re.sub(r"\b[PM]\(([^)#]*)[^)]*\)", r"`\1`", text)
    return text.replace("|", "\\|")


def shown(option: dict) -> str:
    """The default as a person reads it."""
    if option.get("required"):
        return "required"
    if "default" not in option:
        return "derived"
    value = option["default"]
    if isinstance(value, (list, dict)) and len(str(value)) > 40:
        return "see the role"
    return "`%s`" % yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("...").strip()


def keys(options: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    """Each key of a specification with all that lies below it, by its path from the topology: zones[].cidr."""
    for name, option in options.items():
        yield path + name, option
        yield from keys(option.get("options", {}), path + name + ("[]." if option["type"] == "list" else "."))


def topology_rows() -> list[str]:
    """The lines of the page about the topology's keys, all of them but for what repeats the brokers'."""
    every = dict(keys(topology_spec.OPTIONS))
    rows = []
    for path, option in every.items():
        group, _, rest = path.partition(".")
        alike = every.get("brokers." + rest) if group in LIKE_BROKERS and rest else None
        if alike and {**option, "options": None} == {**alike, "options": None}:
            continue
        meaning = plain(option["description"])
        if path in LIKE_BROKERS:
            meaning += " Its keys are those of `brokers` without `combined`; what differs stands below."
        if "choices" in option:
            meaning += " One of %s." % ", ".join("`%s`" % choice for choice in option["choices"])
        default = shown(option) if option.get("required") or "default" in option else "–"
        rows.append("| `kafka_topology.%s` | %s | %s | %s |" % (path, option["type"], default, meaning))
    return rows


def playbook_rows() -> list[str]:
    """The lines of the page about the playbooks' own inputs."""
    rows = []
    for name, option in playbook_inputs.OPTIONS.items():
        meaning = plain(option["description"])
        if "choices" in option:
            meaning += " One of %s." % ", ".join("`%s`" % choice for choice in option["choices"])
        if "range" in option:
            low, high = option["range"]
            meaning += " At least `%d`." % low if high is None else " From `%d` to `%d`." % (low, high)
        required = meaning.startswith("Required. ")
        default = "required" if required else shown(option) if "default" in option else "–"
        playbooks = ", ".join("`%s`" % playbook for playbook in option["playbooks"]) or playbook_inputs.ALL
        rows.append(
            "| `%s` | %s | %s | %s | %s |"
            % (name, option["type"], default, playbooks, meaning.removeprefix("Required. "))
        )
    return rows


def main() -> None:
    """Print the page; an input of several roles stands where it comes first."""
    print(HEAD, end="")
    print(PLAYBOOKS + "\n".join(playbook_rows()))
    print(TOPOLOGY + "\n".join(topology_rows()))
    inventory = set(re.findall(r"^\| `(\w+)` \|", HEAD, re.MULTILINE))
    seen = inventory | set(playbook_inputs.OPTIONS)
    sections: list[tuple[str, dict]] = []
    for role in ROLES:
        specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        sections.append(
            (
                role,
                {
                    name: option
                    for spec in specs.values()
                    for name, option in spec.get("options", {}).items()
                    if name[0] != "_"
                },
            )
        )
    shared = {
        name
        for name in {n for _r, o in sections for n in o}
        if name.startswith("kafka_") and not name.startswith("kafka_install_")
    }
    pages = [
        (
            "What describes the whole cluster",
            {name: option for _role, options in sections for name, option in options.items() if name in shared},
        )
    ]
    pages += [
        ("Role `%s`" % role, {name: option for name, option in options.items() if name not in shared})
        for role, options in sections
    ]
    for title, options in pages:
        rows = [(name, option) for name, option in options.items() if name not in seen]
        seen |= set(options)
        if rows:
            print("\n## %s\n\n| variable | type | default | meaning |\n| --- | --- | --- | --- |" % title)
        for name, option in rows:
            print(
                "| `%s` | %s | %s | %s |"
                % (name, option.get("type", "str"), shown(option), plain(option["description"]))
            )


if __name__ == "__main__":
    main()
