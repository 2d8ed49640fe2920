#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elect the preferred leaders of partitions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_leader_election
short_description: Elect the preferred leaders of partitions
version_added: "0.1.0"
description:
  - Elects the preferred replica, the first of a partition's replicas, wherever another replica leads and the preferred
    one is in sync.
  - After a restart the other brokers lead more than their share. Kafka corrects that itself, but only every five
    minutes, and only when a tenth of a broker's partitions are led elsewhere.
  - Never elects a replica that is not in sync.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
options:
  topics:
    description: The topics to look at; all when not given.
    type: list
    elements: str
  exclude_brokers:
    description: Ids of brokers not to ask, because they are being restarted.
    type: list
    elements: int
    default: []
"""

EXAMPLES = r"""
- name: Spread the leaders again after a batch
  rackaware.kafka.kafka_leader_election:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  run_once: true
"""

RETURN = r"""
elected:
  description: How many partitions are led by their preferred replica now, and were not before; in check mode, how many
    elections would be requested.
  returned: success
  type: int
refused:
  description: Partitions for which Kafka refused the election, each with C(topic), C(partition) and C(reason). The
    preferred replica may have gone out of sync meanwhile.
  returned: success
  type: list
  elements: dict
waiting:
  description: How many partitions another replica leads because their preferred one is not in sync.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import leader_election
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection

SPEC = dict(
    CONNECTION_SPEC,
    topics={"type": "list", "elements": "str"},
    exclude_brokers={"type": "list", "elements": "int", "default": []},
)


def main() -> None:
    """Read, decide, elect, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        with Admin(connection(params), exclude=params["exclude_brokers"]) as admin:
            election = leader_election.elect(
                admin, leader_election.led(admin, params["topics"]), check=module.check_mode
            )
    except RackawareError as error:
        module.fail_json(msg=str(error))
    left = election["waiting"] + len(election["refused"])
    module.exit_json(
        changed=election["elected"] > 0,
        **election,
        diff={
            "before": {"without_preferred_leader": election["elected"] + left},
            "after": {"without_preferred_leader": left},
        },
    )


if __name__ == "__main__":
    main()
