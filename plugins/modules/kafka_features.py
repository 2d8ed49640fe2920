#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finalize the features of a KRaft cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_features
short_description: Finalize the features of a KRaft cluster
version_added: "0.1.0"
description:
  - Raises features, such as C(metadata.version), to the given levels. There is no rollback, so an upgrade does this as
    a step of its own.
  - Leaves a feature that has its level, or a higher one. In check mode Kafka validates the change and does not make it.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
options:
  levels:
    description: The level of each feature, by name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Finalize Kafka 4.3
  rackaware.kafka.kafka_features:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
    levels: {metadata.version: 30}
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
raised:
  description: The new level of each feature that was raised, or would be in check mode.
  returned: success
  type: dict
previous:
  description: The level of each of these features before.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import features
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, KafkaError, connection
from ..module_utils._wait import wait_until

SPEC = dict(CONNECTION_SPEC, levels={"type": "dict", "required": True})


def finalized(admin: Admin) -> dict[str, int]:
    """The levels by feature."""
    return {
        name: feature["finalized"]
        for name, feature in features.levels(admin).items()
        if feature["finalized"] is not None
    }


def main() -> None:
    """Read, decide, raise, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        levels = {str(name): int(level) for name, level in params["levels"].items()}
        with Admin(connection(params)) as admin:
            if not admin.is_kraft:
                raise KafkaError(
                    "The cluster runs with ZooKeeper, which has no features to finalize; "
                    "there the protocol is raised in the configuration."
                )
            before = finalized(admin)
            raised = {name: level for name, level in levels.items() if before.get(name, 0) < level}
            if raised:
                features.finalize(admin, raised, validate_only=module.check_mode)
            if raised and not module.check_mode:
                # The controller answers at once; the broker that is asked sees the new levels a moment later.
                wait_until(
                    lambda: finalized(admin),
                    lambda reached: all(reached.get(name, 0) >= level for name, level in raised.items()),
                    what="the features to be finalized",
                    timeout=params["request_timeout_seconds"],
                )
    except ValueError:
        module.fail_json(msg="levels is %r, but each must be a whole number; correct it." % (params["levels"],))
    except RackawareError as error:
        module.fail_json(msg=str(error))
    previous = {name: before.get(name, 0) for name in raised}
    module.exit_json(changed=bool(raised), raised=raised, previous=previous, diff={"before": previous, "after": raised})


if __name__ == "__main__":
    main()
