#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the private keys of a host, and say what certificates it has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_request
short_description: Make the private keys of a host, and say what certificates it has
version_added: "0.1.0"
description:
  - Runs on each host, before M(rackaware.kafka.tls_certificates) decides for all of them.
  - Makes a private key (EC P-256, PKCS#8, mode 0400) where an identity has no certificate, one that expires in fewer
    than O(renew_days), or one that does not belong to its key. The key waits as C(<name>.key) until
    M(rackaware.kafka.tls_keystore) has its certificate. A key that waits is never replaced.
  - Returns the certificate of each identity, and a signing request of the key that waits, or of the present one. A
    private key never leaves its host, and is in no result.
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
  identities:
    description: What the host must be able to prove; P(rackaware.kafka.tls_host#filter) makes the list.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The stem of its files, such as V(keystore).
        type: str
        required: true
      subject:
        description: The distinguished name, with C(CN), C(OU) and C(O).
        type: dict
        required: true
      names:
        description: The IP addresses and DNS names of the host.
        type: list
        elements: str
        default: []
  renew_days:
    description: A certificate that expires in fewer days gets a successor with a new key.
    type: int
    default: 60
  renew:
    description: Whether all certificates get successors, unless one is staged already.
    type: bool
    default: false
seealso:
  - module: rackaware.kafka.tls_certificates
  - module: rackaware.kafka.tls_keystore
"""

EXAMPLES = r"""
- name: Make the keys that are missing
  rackaware.kafka.tls_request:
    directory: /etc/kafka/tls
    group: kafka
    held_by: kafka.service
    identities:
      - name: keystore
        subject: {CN: kafka, OU: demo, O: rackaware}
        names: [127.0.0.1]
  register: tls
"""

RETURN = r"""
identities:
  description: For each identity what the host has.
  returned: success
  type: dict
  contains:
    csr:
      description: The signing request as PEM; V(null) in check mode for a key that would be made.
      type: str
    certificate:
      description: The certificate and its chain as PEM, staged or in place; empty without one.
      type: str
    shown:
      description: The same of what is in place.
      type: str
    staged:
      description: Whether it is staged for the next restart of its service.
      type: bool
    waiting:
      description: Whether a key waits for its certificate.
      type: bool
    key_matches:
      description: Whether certificate and key belong together.
      type: bool
authorities:
  description: The certificates of the CA that the service trusts from its next start on, as PEM.
  returned: success
  type: str
trusted:
  description: Those that it trusts now.
  returned: success
  type: str
running:
  description: Whether the service runs.
  returned: success
  type: bool
loaded:
  description: Whether the service, where it runs, was started with the certificate and the CA that are in place.
  returned: success
  type: bool
"""

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import service_state, staging, tls_files
from ..module_utils._tls import identity as tls_identity

SPEC = {
    "directory": {"type": "path", "required": True},
    "group": {"type": "str", "required": True},
    "held_by": {"type": "str", "required": True},
    "identities": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "subject": {"type": "dict", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
        },
    },
    "renew_days": {"type": "int", "default": 60},
    "renew": {"type": "bool", "default": False},
}


def work(params: dict, run: Callable[..., Any], *, check_mode: bool) -> dict:
    """Look, make what is missing, look again."""
    directory, changes, out = params["directory"], [], {}
    made = tls_files.directory_steps(directory, params["group"])
    for where, owned in made:
        changes.append(where)
        if not check_mode:
            staging.make_directory(where, owned)
    wanted = [tls_identity.identity(item) for item in params["identities"]]
    found = {each.name: tls_files.look(directory, each.name) for each in wanted}
    # What is staged is the renewal.
    renew = params["renew"] and not any(each.staged for each in found.values())
    for each in wanted:
        has = found[each.name]
        if has.leftover:
            changes.append(has.leftover)
            if not check_mode:
                tls_files.remove(has.leftover)
        new = tls_files.needs_key(has, renew_days=params["renew_days"], renew=renew)
        key = has.waiting or (tls_files.key_path(directory, each.name) if new else has.place)
        if new:
            changes.append(key)
            if not check_mode:
                tls_files.make_key(key)
        out[each.name] = {
            "csr": None if new and check_mode else tls_files.request(key, each),
            "certificate": has.certificate,
            "shown": has.shown,
            "staged": has.staged,
            "waiting": new or bool(has.waiting),
            "key_matches": has.matches,
        }
    keystore, store = (tls_identity.path(directory, each) for each in (tls_identity.KEYSTORE, tls_identity.TRUSTSTORE))
    unit = params["held_by"]
    running = service_state.runs(unit, run)
    return {
        "changed": bool(changes),
        "identities": out,
        "authorities": tls_files.certificate(tls_files.next_path(store)),
        "trusted": tls_files.certificate(store),
        "running": running,
        "loaded": not running or service_state.loaded(unit, [keystore, store]),
        "diff": {"prepared": "".join("%s\n" % change for change in changes)},
    }


def main() -> None:
    """Read, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = work(module.params, module.run_command, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    except Exception as error:  # A trace could quote a key.
        module.fail_json(
            msg="The keys could not be made (%s); report this as a bug." % type(error).__name__, exception=None
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
