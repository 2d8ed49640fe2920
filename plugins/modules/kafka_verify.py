#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify a whole cluster from one of its brokers; the action plugin of the same name runs this again and again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_verify
short_description: Wait until a Kafka cluster is complete, and verify that it accepts and returns records
version_added: "0.1.0"
description:
  - Waits until every broker of O(brokers) is registered and every replica is in sync. Meanwhile it shows a line on the
    controller's screen every few seconds. Delegate the task to one of the brokers.
  - Fails at once when the service of a broker does not run, or when the host cannot be reached. It also fails when
    nothing listens at any of O(bootstrap_servers), although the host's broker has run for two minutes or has its
    listeners at other ports.
  - Then creates O(topic) with a partition for each broker, or adds the missing partitions. Writes records to it and
    reads them back, as M(rackaware.kafka.kafka_round_trip) does.
  - Returns a summary. Its size depends on the number of brokers, not on the number of partitions.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
attributes:
  check_mode:
    support: full
    description: Asks once, never waits, and writes nothing. Missing brokers and replicas are no failure, because a real
      run may start them.
  diff_mode:
    support: none
    description: Only the topic may change.
options:
  brokers:
    description:
      - The brokers of the cluster, each with C(id) and C(name), and, where known, with C(unit_state) and
        C(out_of_service) of M(rackaware.kafka.kafka_service_info). P(rackaware.kafka.kafka_hosts#filter) returns such a
        list.
    type: list
    elements: dict
    required: true
  topic:
    description: The topic to write to. Use a topic for this purpose only.
    type: str
    default: rackaware-proof
  replication_factor:
    description: The number of replicas of new partitions of O(topic).
    type: int
    default: 3
  min_racks:
    description: In how many racks the replicas of each partition of O(topic) must be.
    type: int
    default: 1
  stall_seconds:
    description:
      - Seconds without progress before the wait fails. Progress is that one more broker is registered, or that fewer
        partitions are under-replicated than ever before.
    type: float
    default: 180
  timeout_seconds:
    description: Seconds that the whole wait may take.
    type: float
    default: 1800
  visit_seconds:
    description: Seconds that one poll session on the host lasts. The module shows a line after each.
    type: float
    default: 5
"""

EXAMPLES = r"""
- name: Verify the cluster
  rackaware.kafka.kafka_verify:
    bootstrap_servers: [198.18.1.11:9092, 198.18.2.11:9092, 198.18.3.11:9092]
    brokers:
      - {id: 1, name: broker-a}
      - {id: 2, name: broker-b}
      - {id: 3, name: broker-c}
    min_racks: 3
  delegate_to: broker-a
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: verified
"""

RETURN = r"""
cluster:
  description:
    - The summary that M(rackaware.kafka.kafka_cluster_info) returns with
      O(rackaware.kafka.kafka_cluster_info#module:summary), which P(rackaware.kafka.kafka_model#filter) takes. When the
      cluster was ready it also has C(posing_users), the users with a password that have the name of nodes or operators.
  returned: success
  type: dict
ready:
  description: Whether all brokers were registered and all replicas in sync; V(false) in check mode only.
  returned: success
  type: bool
missing:
  description: Ids of brokers that are not registered, or fenced.
  returned: success
  type: list
  elements: int
proof:
  description: The result of the verification. It has C(topic), C(marker), the text in the records (V(null) in check
    mode), and C(sentence), what was verified (V(null) when the cluster was not ready).
  returned: success
  type: dict
seconds:
  description: How many seconds it took.
  returned: success
  type: float
"""

import time
from dataclasses import replace
from itertools import islice
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._config import units
from ..module_utils._errors import RackawareError
from ..module_utils._host import service_state
from ..module_utils._kafka import check_records, metadata, round_trip, snapshot, users
from ..module_utils._kafka import topic as kafka_topic
from ..module_utils._kafka.client import Admin, listening
from ..module_utils._kafka.connection import Connection, KafkaError, LastingError, connection
from ..module_utils._kafka.topic_admin import fetch, settle, write
from ..module_utils._report import verify as report_verify
from ..module_utils._tls.identity import is_nodes_name

INTERVAL = 1.0
# Servers that listen and never answer cost a third of a request's time each.
SERVERS = 5


def reachable(module: AnsibleModule, where: Connection) -> Connection | str:
    """The connection with servers that listen, or why there is none yet; raises VerifyError when waiting is no use."""
    servers = tuple(islice(listening(where.bootstrap_servers), SERVERS))
    if servers:
        return replace(where, bootstrap_servers=servers)
    broker = units.service("broker")
    try:
        age = service_state.age(broker.unit, module.run_command)
    except RackawareError:
        age = None
    try:
        with open(broker.config, encoding="utf-8") as stream:
            config = stream.read()
    except (OSError, ValueError):
        config = None
    may, sentence = report_verify.silence(where.bootstrap_servers, age, config)
    if not may:
        raise report_verify.VerifyError(sentence)
    return sentence


def seen(admin: Admin, minimum: dict[str, tuple[int, bool]]) -> dict[str, Any]:
    """The cluster, small."""
    taken = snapshot.settled(admin, snapshot.take(admin, minimum=minimum))
    return dict(snapshot.summarize(taken.to_dict()), checked_at=snapshot.now())


def look(where: Connection, ids: list[int], minimum: dict[str, tuple[int, bool]]) -> dict[str, Any]:
    """One answer about the cluster, or the reason why there is none."""
    try:
        with Admin(where) as admin:
            cluster = seen(admin, minimum)
    except LastingError:
        raise
    except KafkaError as error:
        return {"reason": str(error)}
    missing = report_verify.missing(cluster, ids)
    return {"cluster": cluster, "missing": missing, "ready": not missing and not cluster["counts"]["under_replicated"]}


def verify(
    module: AnsibleModule, where: Connection, answer: dict[str, Any], minimum: dict[str, tuple[int, bool]]
) -> dict[str, Any]:
    """Make the topic, write and read the records; the answer with the result."""
    params, topic, marker = module.params, module.params["topic"], None
    with Admin(where) as admin:
        before = fetch(admin, [topic]).get(topic)
        want = report_verify.wanted(topic, before, len(params["brokers"]), params["replication_factor"])
        change = kafka_topic.present(before, want)
        if change.needed:
            write(admin, [(want, change)], validate_only=module.check_mode)
            if not module.check_mode:
                settle(admin, {topic: want.partitions}, params["request_timeout_seconds"])
        racks = {broker["id"]: broker["rack"] for broker in answer["cluster"]["brokers"]}
        partitions = metadata.partitions(admin, [topic]).get(topic)
        placed = (
            []
            if partitions is None and module.check_mode
            else check_records.places(topic, partitions, racks, params["min_racks"])
        )
        if not module.check_mode:
            marker, _ = round_trip.run(where, topic, placed)
        if change.needed and not module.check_mode:
            answer = dict(answer, cluster=seen(admin, minimum))
        posing = sorted({user for user, _mechanism in users.describe(admin) if is_nodes_name(user)})
        answer = dict(answer, cluster=dict(answer["cluster"], posing_users=posing))
    sentence = check_records.sentence(topic, placed, written=marker is not None)
    return dict(answer, changed=change.needed, proof={"topic": topic, "marker": marker, "sentence": sentence})


def main() -> None:
    """Ask until the cluster is complete or the poll session is over; then verify."""
    module = AnsibleModule(argument_spec=report_verify.SPEC, supports_check_mode=True)
    params, begun = module.params, time.monotonic()
    minimum: dict[str, tuple[int, bool]] = {}
    try:
        ids = [int(broker["id"]) for broker in params["brokers"]]
        asked = connection(params)
        while True:
            where = reachable(module, asked)
            answer = {"reason": where} if isinstance(where, str) else look(where, ids, minimum)
            if (
                answer.get("ready")
                or module.check_mode
                or time.monotonic() - begun + INTERVAL > params["visit_seconds"]
            ):
                break
            time.sleep(INTERVAL)
        if answer.get("ready") and isinstance(where, Connection):
            answer = verify(module, where, answer, minimum)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    except (KeyError, TypeError, ValueError):
        module.fail_json(msg="brokers must list each broker with its id, a number, and its name.")
    module.exit_json(
        **{
            "changed": False,
            "ready": False,
            "proof": {"topic": params["topic"], "marker": None, "sentence": None},
            **answer,
        }
    )


if __name__ == "__main__":
    main()
