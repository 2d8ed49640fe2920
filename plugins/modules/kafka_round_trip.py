#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify that a topic accepts records and returns them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_round_trip
short_description: Verify that every partition of a topic accepts a record and returns it
version_added: "0.1.0"
description:
  - Writes a record with C(acks=all) to every partition of a topic, and reads each back from its leader. Repeats this
    with a record that is compressed with Zstandard, because the broker needs native code for it. The client needs no
    library for it.
  - Fails when a record does not come back as it was written, or when a partition's replicas are in fewer racks than
    O(min_racks).
  - The topic must exist. The module never reports a change, because the records are none.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
attributes:
  check_mode:
    support: full
    description: Checks leaders and racks only, and writes no record. A topic that does not exist yet is no error.
  diff_mode:
    support: N/A
    description: Changes nothing, so that there is no difference to show.
options:
  topic:
    description: The topic to write to. Use a topic for this purpose only.
    type: str
    default: rackaware-proof
  min_racks:
    description: In how many racks the replicas of each partition must be.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Verify the cluster over three Availability Zones
  rackaware.kafka.kafka_round_trip:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
    min_racks: 3
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
topic:
  description: The topic.
  returned: success
  type: str
marker:
  description: The text that this run wrote into each record; V(null) in check mode.
  returned: success
  type: str
partitions:
  description: For each partition its number C(partition), C(offset) of the plain record (V(null) in check mode),
    C(leader), C(replicas) and C(racks).
  returned: success
  type: list
  elements: dict
  sample: [{partition: 0, offset: 41, leader: 1, replicas: [1, 2, 3], racks: [eu-west-1a, eu-west-1b, eu-west-1c]}]
sentence:
  description: What was verified, one sentence.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import check_records, metadata, round_trip
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection

SPEC = dict(
    CONNECTION_SPEC, topic={"type": "str", "default": "rackaware-proof"}, min_racks={"type": "int", "default": 1}
)


def main() -> None:
    """Read, decide, write, read back, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    topic, marker = params["topic"], None
    offsets: dict[int, int] = {}
    try:
        where = connection(params)
        with Admin(where) as admin:
            racks = {broker["id"]: broker["rack"] for broker in metadata.cluster(admin)["brokers"]}
            topic_partitions = metadata.partitions(admin, [topic]).get(topic)
        places = (
            []
            if topic_partitions is None and module.check_mode
            else check_records.places(topic, topic_partitions, racks, params["min_racks"])
        )
        if not module.check_mode:
            marker, offsets = round_trip.run(where, topic, places)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    partitions = [dict(place, offset=offsets.get(place["partition"])) for place in places]
    module.exit_json(
        changed=False,
        topic=topic,
        marker=marker,
        partitions=partitions,
        sentence=check_records.sentence(topic, places, written=bool(offsets)),
    )


if __name__ == "__main__":
    main()
