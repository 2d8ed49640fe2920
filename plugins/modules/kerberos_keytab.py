#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a broker's keytab where it reads it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kerberos_keytab
short_description: Put a broker's keytab where it reads it
version_added: "0.1.0"
description:
  - Reads a keytab from Secrets Manager or the Parameter Store, in base64 and with the instance's role, or from a file of the
    host, and writes it for the broker. A broker that runs uses it at once. Where it runs with another principal, the keytab is
    staged for its next restart.
  - Its content never leaves the host, and is in no parameter, result, diff or log.
  - A keytab without a key of O(principal) that Java uses, or with older keys than the present one, is refused.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  keytab:
    description: Where the keytab is, in one of these.
    type: dict
    required: true
    suboptions:
      secret:
        description: The name of a secret in Secrets Manager.
        type: str
      parameter:
        description: The name of a SecureString in the Parameter Store.
        type: str
      file:
        description: A file on the host.
        type: path
      host:
        description: Without effect; O(principal) has it.
        type: str
  principal:
    description: Whose key is needed, as V(kafka/broker-1.example.com@EXAMPLE.COM).
    type: str
    required: true
  dest:
    description: The file that the broker reads.
    type: path
    default: /etc/kafka/kerberos/kafka.keytab
  group:
    description: The group that reads it.
    type: str
    default: kafka
  held_by:
    description: The systemd unit that reads it.
    type: str
    default: kafka.service
"""

EXAMPLES = r"""
- name: Keep the keytab of the broker
  rackaware.kafka.kerberos_keytab:
    keytab: {secret: kafka/demo/broker-1-keytab}
    principal: kafka/broker-1.example.com@EXAMPLE.COM
"""

RETURN = r"""
versions:
  description: The versions of the principal's keys (kvno) in the keytab, the newest first.
  returned: success
  type: list
  elements: int
  sample: [3, 2]
staged:
  description: Whether the keytab waits for the broker's next restart.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._aws import secrets
from ..module_utils._config import kerberos
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._host import keytab, service_state

SPEC = {
    "keytab": {
        "type": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "secret": {"type": "str", "no_log": False},
            "parameter": {"type": "str"},
            "file": {"type": "path"},
            "host": {"type": "str"},
        },
    },
    "principal": {"type": "str", "required": True},
    "dest": {"type": "path", "default": kerberos.KEYTAB},
    "group": {"type": "str", "default": "kafka"},
    "held_by": {"type": "str", "default": "kafka.service"},
}


def kept(kind: str, name: str) -> str | None:
    """What AWS keeps; raises RackawareError."""
    if not secrets.NAMES[kind].fullmatch(name):
        raise keytab.KeytabError(
            "kafka_keytab has %r, which is no name of a %s; give the name without ARN and version." % (name, kind)
        )
    found = secrets.connect().one(secrets.Source(kind, name))
    return found.text if found else None


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        with unforeseen("The keytab could not be kept"):
            where = keytab.source(params["keytab"])
            data = keytab.read(where, kept)
            versions = keytab.check(data, params["principal"], where)
            held = service_state.runs(params["held_by"], module.run_command)
            step = keytab.decide(data, params["dest"], params["principal"], held=held)
            if step.changed and not module.check_mode:
                keytab.apply(step, params["group"])
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(changed=step.changed, versions=versions, staged=step.waits)


if __name__ == "__main__":
    main()
