#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write certificates beside their keys, and the CA that a host trusts; stage them while the service runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_keystore
short_description: Write certificates with their keys, and stage them while the service runs
version_added: "0.1.0"
description:
  - Runs on a host, with what M(rackaware.kafka.tls_certificates) decided for it.
  - Verifies that each certificate belongs to the key that waits for it (C(<name>.key)), or else to the present key, and
    writes both as C(<name>.pem). The CA goes to C(truststore.pem). The key that waited is removed last.
  - While the unit in O(held_by) runs, C(keystore.pem) and C(truststore.pem) are staged, as M(rackaware.kafka.file_set)
    does. Other identities are read by no service, and always go in place.
  - Needs the program C(openssl), 1.1.1 or later.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.tls_files
options:
  held_by:
    description: The systemd unit that reads the files.
    type: str
    required: true
  certificates:
    description: The certificate and its chain as PEM, by the name of the identity; those that are not named stay.
    type: dict
    default: {}
  authority:
    description: The certificates of the CA, as PEM.
    type: str
    required: true
seealso:
  - module: rackaware.kafka.tls_request
  - module: rackaware.kafka.tls_certificates
"""

EXAMPLES = r"""
- name: Write the certificates
  rackaware.kafka.tls_keystore:
    directory: /etc/kafka/tls
    group: kafka
    held_by: kafka.service
    certificates: "{{ signed.certificates[inventory_hostname] | default({}) }}"
    authority: "{{ signed.authority }}"
"""

RETURN = r"""
changed_files:
  description: The paths of files that changed, in place or staged.
  returned: success
  type: list
  elements: str
staged:
  description: The paths of files that are staged for the next restart of the service.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import service_state, staging, tls_files

SPEC = {
    "directory": {"type": "path", "required": True},
    "group": {"type": "str", "required": True},
    "held_by": {"type": "str", "required": True},
    "certificates": {"type": "dict", "default": {}},
    "authority": {"type": "str", "required": True},
}


def main() -> None:
    """Look, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        steps, keys = tls_files.keystore_steps(
            params["directory"],
            params["group"],
            params["certificates"],
            params["authority"],
            held=service_state.runs(params["held_by"], module.run_command),
        )
        if not module.check_mode:
            for step in steps:
                staging.apply(step)
            # Last: until then an interrupted run can be repeated.
            for key in keys:
                tls_files.remove(key)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    except Exception as error:  # A trace could quote a key.
        module.fail_json(
            msg="The certificates could not be written (%s); report this as a bug." % type(error).__name__,
            exception=None,
        )
    changed = [step for step in steps if step.changed]
    module.exit_json(
        changed=bool(changed or keys),
        changed_files=[step.dest for step in changed],
        staged=[step.dest for step in steps if step.waits],
        diff=[tls_files.diff(step) for step in changed],
    )


if __name__ == "__main__":
    main()
