#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests and features of a Kafka release that is installed on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_release_info
short_description: Read the requests and features of a Kafka release on this host
version_added: "0.1.0"
description:
  - Runs the release's own classes with Java, before any broker runs the release.
  - Reads the versions of requests from C(org.apache.kafka.common.protocol.Protocol), and the levels of features from
    C(kafka.tools.StorageTool).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  version:
    description: The version; M(rackaware.kafka.kafka_archive) must have installed it.
    type: str
    required: true
  directory:
    description: The directory in which versions are installed.
    type: path
    default: /opt
  features:
    description: Whether to read the levels of features; only releases from 4.0 on have them.
    type: bool
    default: false
  java:
    description: The Java command.
    type: str
    default: java
"""

EXAMPLES = r"""
- name: Read the feature levels of Kafka 4.3.1
  rackaware.kafka.kafka_release_info:
    version: 4.3.1
    features: true
"""

RETURN = r"""
apis:
  description: For each kind of request, by its key, the name, and the oldest and newest version that this release
    answers.
  returned: success
  type: dict
  sample: {"0": ["Produce", 3, 13]}
features:
  description: The levels that C(kafka-features upgrade --release-version) would finalize, by feature; empty unless
    O(features) is set.
  returned: success
  type: dict
  sample: {"metadata.version": 30, "transaction.version": 2}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import release as host_release

SPEC = {
    "version": {"type": "str", "required": True},
    "directory": {"type": "path", "default": "/opt"},
    "features": {"type": "bool", "default": False},
    "java": {"type": "str", "default": "java"},
}


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    release = host_release.Release(params["version"], params["directory"], params["java"], module.run_command)
    try:
        apis = release.apis()
        features = release.features() if params["features"] else {}
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, apis=apis, features=features)


if __name__ == "__main__":
    main()
