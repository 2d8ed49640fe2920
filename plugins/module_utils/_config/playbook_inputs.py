# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The variables that playbooks take beside the roles' inputs, as an argument spec, and their earlier names."""

from __future__ import annotations

from typing import Any, Mapping

# Each option has what an argument spec has, its least and highest value (range), and the playbooks that read it. The
# playbooks themselves set the default.
# Without any, all that begin with the preflight do.
ALL = "all that begin with the preflight"
_REPORTS = ("site", "rolling_site", "verify", "rolling_restart", "rolling_upgrade", "downtime_upgrade")
_ONE_NODE = ("restore_headers", "renew_stores")
_NODES = ("revoke", "grant", "erase_stores", "erase_keys", "rotate_keys", *_ONE_NODE)
_SECRETFS = ("encrypted_store", "launch_template")

# They hold for the whole cluster, and are read from its nodes (_config.cluster_settings), the last one from each host.
OF_NODES = (
    "kafka_report_dir",
    "kafka_check_topic",
    "kafka_instance_source",
    "kafka_quorum_removed",
    "kafka_own_variables",
)
OPTIONS: dict[str, dict[str, Any]] = {
    "kafka_confirm": {
        "type": "str",
        "description": "The words that confirm the operation: the cluster's name, or those that the refusal asks for.",
        "playbooks": (
            *_NODES,
            "downtime_upgrade",
            "finalize_upgrade",
            "deprovision",
            "objects",
            "rotate_ca",
            "secure_cluster",
        ),
    },
    "kafka_selected_nodes": {
        "type": "list",
        "elements": "raw",
        "description": "Ids of the brokers to work on, as a list or as a text with commas."
        " rotate_keys works on all of them by default. restore_headers and renew_stores take one.",
        "playbooks": _NODES,
    },
    "kafka_accept_loss": {
        "type": "dict",
        "description": "The loss that is accepted: the cluster's name, and last_copies, the exact number of partitions"
        " that lose their last in-sync copy. `unknown` where no broker is left to ask.",
        "playbooks": ("erase_stores", "erase_keys"),
    },
    "kafka_revoke_urgent": {
        "type": "bool",
        "default": False,
        "description": "Deny the keys first, and do not ask whether the cluster can do without the brokers.",
        "playbooks": ("revoke",),
    },
    "kafka_header_copies": {
        "type": "str",
        "default": "present",
        "choices": ["present", "absent"],
        "description": "Whether to keep copies of the headers or to destroy them.",
        "playbooks": ("backup_headers",),
    },
    "kafka_unlock_log_hours": {
        "type": "int",
        "default": 24,
        "range": (1, 2160),
        "description": "How many hours to look back.",
        "playbooks": ("unlock_log",),
    },
    "kafka_unlock_log_files": {
        "type": "int",
        "default": 2000,
        "range": (1, None),
        "description": "The most files of a trail to read, the newest first.",
        "playbooks": ("unlock_log",),
    },
    "kafka_report_dir": {
        "type": "str",
        "description": "The directory of the pages and of the files of events."
        " By default `reports` below the current directory.",
        "playbooks": (*_REPORTS, "finalize_upgrade", "renew_stores", "erase_stores"),
    },
    "kafka_check_topic": {
        "type": "str",
        "default": "rackaware-proof",
        "description": "The topic that the verification writes to and reads from.",
        "playbooks": ("site", "rolling_site", "verify", "downtime_upgrade"),
    },
    "kafka_instance_source": {
        "type": "str",
        "choices": ["api", "facts"],
        "description": "What the sizing is based on. By default the EC2 API for clusters of a topology,"
        " else the hosts' facts.",
        "playbooks": (),
    },
    "kafka_quorum_removed": {
        "type": "list",
        "elements": "str",
        "description": "Ids of ZooKeeper nodes, or addresses of controllers,"
        " that the nodes know and that are removed for good.",
        "playbooks": (),
    },
    "kafka_own_variables": {
        "type": "list",
        "elements": "str",
        "default": [],
        "description": "Your own variables with names that begin like ours, which are refused otherwise: whole names,"
        " or beginnings that end with `_`, as in `[kafka_ui_port, kafka_exporter_]`. A beginning covers no name that"
        " looks like a misspelled one of ours. Playbooks without the preflight read it on localhost.",
        "playbooks": (),
    },
    "kafka_selected_users": {
        "type": "list",
        "elements": "raw",
        "description": "Required. Users of `kafka_users` that get a new password, as a list or as a text with commas.",
        "playbooks": ("rotate_passwords",),
    },
    "kafka_objects_file": {
        "type": "str",
        "description": "The file to write. By default `objects.yml` in the current directory.",
        "playbooks": ("export_objects", "import_objects"),
    },
    "kafka_import_file": {
        "type": "str",
        "description": "Required. The file to read: KafkaTopic and KafkaUser of Strimzi as YAML, or what"
        " `kafka-acls --list` printed.",
        "playbooks": ("import_objects",),
    },
    "kafka_measure_hosts": {
        "type": "str",
        "description": "Required. The hosts to measure on, as a pattern. Each has a blank instance store.",
        "playbooks": ("measure_dm_crypt",),
    },
    "kafka_measure_device": {
        "type": "str",
        "description": "The blank disk to measure on. By default the first blank instance store.",
        "playbooks": ("measure_dm_crypt",),
    },
    "kafka_measure_seconds": {
        "type": "int",
        "default": 10,
        "range": (1, None),
        "description": "Seconds of each measurement.",
        "playbooks": ("measure_dm_crypt",),
    },
    "kafka_secretfs_hosts": {
        "type": "str",
        "description": "Required. The hosts that get the encrypted file, as a pattern.",
        "playbooks": ("encrypted_store",),
    },
    "kafka_secretfs_role": {
        "type": "str",
        "description": "Required. The IAM role of the instances.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_region": {
        "type": "str",
        "description": "Required. The Region of the key and of the instances.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_alias": {
        "type": "str",
        "default": "EncFSForEC2InternalStorageKey",
        "description": "The alias of the KMS key, without `alias/`.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_mount": {
        "type": "str",
        "default": "/mnt/secretfs",
        "description": "Where the encrypted file is mounted.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_file": {
        "type": "str",
        "default": "/var/lib/secretfs.img",
        "description": "The encrypted file.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_size": {
        "type": "str",
        "default": "2G",
        "description": "The size of the encrypted file.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_direct_io": {
        "type": "bool",
        "default": True,
        "description": "Whether the loop device bypasses the page cache.",
        "playbooks": _SECRETFS,
    },
    "kafka_secretfs_image": {
        "type": "str",
        "description": "Required. The AMI of the launch template.",
        "playbooks": ("launch_template",),
    },
    "kafka_secretfs_instance_type": {
        "type": "str",
        "description": "Required. The instance type of the launch template.",
        "playbooks": ("launch_template",),
    },
    "kafka_secretfs_name": {
        "type": "str",
        "default": "secretfs",
        "description": "The name of the launch template.",
        "playbooks": ("launch_template",),
    },
    "kafka_secretfs_profile": {
        "type": "str",
        "description": "The instance profile. By default the one with the name of the role.",
        "playbooks": ("launch_template",),
    },
    "kafka_secretfs_environment": {
        "type": "dict",
        "default": {},
        "description": "Environment variables of the unlocker, such as a proxy.",
        "playbooks": ("launch_template",),
    },
}
# Old names of inputs. The general ones may be a user's own in an inventory, so only -e is refused.
RENAMED_GENERAL = {
    "confirm": "kafka_confirm",
    "nodes": "kafka_selected_nodes",
    "urgent": "kafka_revoke_urgent",
    "headers": "kafka_header_copies",
    "hours": "kafka_unlock_log_hours",
    "files": "kafka_unlock_log_files",
}
RENAMED = {
    "accept_loss": "kafka_accept_loss",
    "delete_volumes": "instances_delete_volumes",
    "kafka_proof_topic": "kafka_check_topic",
    "measure_hosts": "kafka_measure_hosts",
    "measure_device": "kafka_measure_device",
    "measure_seconds": "kafka_measure_seconds",
    "secretfs_type": "kafka_secretfs_instance_type",
    **{name.removeprefix("kafka_"): name for name in OPTIONS if name.startswith("kafka_secretfs_")},
}


def options() -> dict[str, dict[str, Any]]:
    """The inputs as an argument spec, without what only the page of variables shows."""
    return {
        name: {key: value for key, value in option.items() if key not in ("description", "playbooks")}
        for name, option in OPTIONS.items()
    }


# What roles and playbooks leave for those that run later.
FACTS = (
    "kafka_sized",
    "key_custody_wrapped",
    "network_group_ids",
    "network_subnet_ids",
    "roll_count",
    "roll_kept",
    "roll_owner",
    "roll_redundancy",
    "roll_steps",
    "roll_taken",
    "service_restarted",
    "site_cluster_exists",
    "site_cluster_id",
    "site_quorum_exists",
    "upgrade_finalization",
    "upgrade_plan",
    "upgrade_record",
)


def facts_given(extra: Mapping[str, Any]) -> list[str]:
    """A sentence for each fact that is given with -e, which would hold in place of what the playbooks find out."""
    return [
        "The variable %s is a result of the playbooks; take it out of -e." % name for name in FACTS if name in extra
    ]


def renamed(variables: Mapping[str, Any], extra: Mapping[str, Any]) -> list[str]:
    """A sentence for each variable that is given by an old name. variables: of one host; extra: those of -e."""
    old = {name: new for name, new in RENAMED.items() if name in variables or name in extra}
    old |= {name: new for name, new in RENAMED_GENERAL.items() if name in extra}
    return ["The variable %s has a new name; write %s instead." % (name, new) for name, new in sorted(old.items())]
