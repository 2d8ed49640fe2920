#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare the SCRAM users of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_users
short_description: Declare the SCRAM users of a Kafka cluster
version_added: "0.1.0"
description:
  - Makes users, gives them the declared password, mechanism and iterations, and removes users, many in one request.
  - Kafka shows neither a password nor a digest of it. So a changed password is found by logging in as the user, and a
    password that was written is verified by logging in. Any other failure of a login than a refused one is an error.
  - A user without O(users[].password_file), O(users[].password_from) and O(users[].password) must exist; its password
    is not looked at.
  - A password in Secrets Manager or in the Parameter Store (O(users[].password_from)) is read by the host that runs the
    module, with its instance's role, and never leaves that host. Its version is recorded there when a login has
    verified it, so that later runs need no login while the version stays. The record has no password and no digest of
    one.
  - Never removes users of O(protected_principals), and never changes them.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
  - rackaware.kafka.objects
  - rackaware.kafka.objects.protected
  - rackaware.kafka.objects.login
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name, without C(User:).
        type: str
        required: true
      password_file:
        description: A file on the host that contains the password; a line break at its end does not count.
        type: path
      password:
        description: The password, for instance from Ansible Vault. It passes through the controller; prefer
          O(users[].password_from).
        type: str
      password_from:
        description:
          - Where AWS keeps the password. A line break at its end does not count.
          - One that is missing is generated, for a user that does not exist yet. Two hosts that do so at once get the
            same.
        type: dict
        suboptions:
          secret:
            description: The name of a secret in Secrets Manager, in the instance's Region.
            type: str
          parameter:
            description: The name of a SecureString in the Parameter Store.
            type: str
          key:
            description: The entry of a secret in JSON. A secret with keys is never generated.
            type: str
          generate:
            description: Whether to make a password of 40 letters and digits where there is none. By default V(true),
              and V(false) with O(users[].password_from.key).
            type: bool
      mechanism:
        description: The SASL mechanism. A user with both mechanisms is declared once for each.
        type: str
        choices: [SCRAM-SHA-256, SCRAM-SHA-512]
        default: SCRAM-SHA-512
      iterations:
        description: How many times the password is hashed, at least 4096.
        type: int
        default: 8192
      pair:
        description: Another user with the same rights, to which clients move before this one gets a new password; only
          P(rackaware.kafka.kafka_rotated_users#filter) reads it.
        type: str
      state:
        description: Whether the user exists. V(absent) removes it with every mechanism.
        type: str
        choices: [present, absent]
        default: present
  versions_file:
    description: The record of the versions of passwords that a login has verified; remove it to compare all by login.
    type: path
    default: /var/lib/kafka-admin/password_versions.json
requirements:
  - for O(users[].password_from), an instance profile that may read the secret, and make it where it is to be generated
"""

EXAMPLES = r"""
- name: Make the users of two applications
  rackaware.kafka.kafka_users:
    bootstrap_servers: ["broker-1.example.com:9094"]
    security_protocol: SASL_SSL
    sasl_mechanism: SCRAM-SHA-512
    sasl_username: operator
    sasl_password_file: /etc/kafka/secrets/operator
    users:
      - {name: orders, password_file: /etc/kafka/secrets/orders}
      - {name: billing, password_file: /etc/kafka/secrets/billing, iterations: 16384}
      - {name: shipping, password_from: {secret: kafka/demo/shipping}}
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
changes:
  description: What was made, changed and removed, or would be in check mode, one line for each user.
  returned: success
  type: list
  elements: str
  sample: ["create: user orders, SCRAM-SHA-512, 8192 iterations"]
removals:
  description: What is still to be removed, with O(removals=later).
  returned: success
  type: list
  elements: str
verified:
  description: Whether passwords are compared by logging in.
  returned: success
  type: bool
versions:
  description: The versions of the passwords that AWS keeps, of those that exist.
  returned: success
  type: list
  elements: dict
  contains:
    user:
      description: The user.
      type: str
    mechanism:
      description: The SASL mechanism.
      type: str
    source:
      description: Where the password is.
      type: str
      sample: secret kafka/demo/shipping
    version:
      description: The version.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _regular_file
from ..module_utils._aws import secrets
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._kafka import users
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import password_versions
from ..module_utils._objects import users as declared_users
from ..module_utils._objects.declared import NOW, OWNED_SPEC, ObjectsError, outcome, owned, protected
from ..module_utils._objects.login import LOGIN_SPEC, Login
from ..module_utils._wait import wait_until

SPEC = dict(
    CONNECTION_SPEC,
    **OWNED_SPEC,
    **LOGIN_SPEC,
    users={"type": "list", "elements": "dict", "required": True, "options": declared_users.USER_OPTIONS},
    protected_principals={"type": "list", "elements": "str", "default": []},
    versions_file={"type": "path", "default": password_versions.PATH},
)


class Module(AnsibleModule):
    """Keeps its parameters out of the host's journal."""

    def _log_invocation(self) -> None:
        """Ansible would write the users as Python shows them.

        A password with a quote or a backslash is then no longer the text that it stars out.
        """


def read(path: str) -> str:
    """A password file's text without its line break; raises ObjectsError."""
    try:
        return _regular_file.read(path).rstrip("\n")
    except (OSError, ValueError) as error:
        raise ObjectsError(
            "The password file %s cannot be read: %s; correct password_file."
            % (path, getattr(error, "strerror", None) or type(error).__name__)
        ) from None


def resolved(
    before: dict[tuple[str, str], int], present: list[declared_users.Wanted]
) -> tuple[list[declared_users.Wanted], secrets.Store | None]:
    """The users with the passwords that AWS keeps, and what keeps them where any is asked for."""
    sources = [each.source for each in present if each.source is not None]
    if not sources:
        return present, None
    store = secrets.connect()
    return declared_users.resolved(before, present, store.read(sources)), store


def write(admin: Admin, change: declared_users.Change, login: Login, removals: str) -> None:
    """Make users, verify that they can log in, and remove others."""
    users.upsert(admin, [each.credential() for each in change.upsert])
    # Under KRaft a broker knows a user only when it has read the controller's record. To look costs less than a login
    # that is refused.
    iterations = {each.key: each.iterations for each in change.upsert}
    wait_until(
        lambda: iterations.items() - users.describe(admin).items(),
        lambda unknown: not unknown,
        what="the users to be known",
        timeout=login.seconds,
        interval=0.1,
        describe=lambda unknown: "%d are not" % len(unknown),
    )
    login.until_taken(change.upsert)
    gone = set(change.remove) if removals == NOW else set()
    users.delete(admin, gone)
    wait_until(
        lambda: gone & users.describe(admin).keys() if gone else set(),
        lambda left: not left,
        what="the removed users to be gone",
        timeout=login.seconds,
        interval=0.2,
        describe=lambda left: "%d are still there" % len(left),
    )


def main() -> None:
    """Read, decide, write, report."""
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        with unforeseen("The users could not be compared"):
            present, absent = declared_users.wanted(params["users"], read)
            prefixes = owned(params["owned_prefixes"], purge=params["purge"])
            where = connection(params)
            login = Login(params, where)
            with Admin(where) as admin:
                before = users.describe(admin)
                present, store = resolved(before, present)
                known = password_versions.Versions(
                    params["versions_file"], lambda: admin.metadata([]).cluster_id, present if login else ()
                )
                change = declared_users.plan(
                    before,
                    present,
                    absent,
                    refused=login.refused(known.unknown(declared_users.checked_by_login(before, present))),
                    owned=prefixes,
                    protected=protected(params),
                )
                result = outcome(change.edits(), params["removals"])
                if not module.check_mode:
                    if store is not None:
                        change = declared_users.kept(change, store.create(change.unkept()))
                    written = {each.key: each for each in change.upsert}
                    present = [written.get(each.key, each) for each in present]
                    known.forget([*written, *change.remove])
                    if result["changed"]:
                        write(admin, change, login, params["removals"])
                    known.keep(present if login else [], before)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(verified=bool(login), versions=declared_users.versions(present), **result)


if __name__ == "__main__":
    main()
