#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give SCRAM users new passwords."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_user_passwords
short_description: Give SCRAM users new passwords that Secrets Manager or the Parameter Store keeps
version_added: "0.1.0"
description:
  - Makes a new password for each user, 40 letters and digits, on the host that runs the module and with its instance's
    role. No password leaves that host, or is in a parameter, result, diff or log.
  - A secret keeps the new password beside the present one (C(AWSPENDING)), then Kafka gets it, then every server of
    O(login_servers) has to take it, and then all readers of the secret get it (C(AWSCURRENT)). The old one stays as
    C(AWSPREVIOUS).
  - A parameter has no such place. It gets the new password right before Kafka does.
  - A run that was broken off at any point is completed by the next one with the same passwords. Users whose rotation
    was over by then get no other one.
  - Connections that are open stay. New ones with the old password are refused from the moment when Kafka has the new
    one.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
  - rackaware.kafka.objects.protected
  - rackaware.kafka.objects.login
options:
  users:
    description: The users, which exist, as P(rackaware.kafka.kafka_rotated_users#filter) returns them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name, without C(User:).
        type: str
        required: true
      password_from:
        description: Where AWS keeps the password, as in M(rackaware.kafka.kafka_users).
        type: dict
        required: true
        suboptions:
          secret:
            description: The name of a secret in Secrets Manager.
            type: str
          parameter:
            description: The name of a SecureString in the Parameter Store.
            type: str
          key:
            description: Not here; such a password is refused.
            type: str
          generate:
            description: Whether M(rackaware.kafka.kafka_users) makes a password that is missing; without effect here.
            type: bool
      mechanism:
        description: The SASL mechanism.
        type: str
        choices: [SCRAM-SHA-256, SCRAM-SHA-512]
        default: SCRAM-SHA-512
      iterations:
        description: How many times the password is hashed.
        type: int
        default: 8192
  versions_file:
    description: The record of the versions of passwords, also of those that a rotation found.
    type: path
    default: /var/lib/kafka-admin/password_versions.json
requirements:
  - an instance profile that may read and change the secrets
"""

EXAMPLES = r"""
- name: Give the user of an application a new password
  rackaware.kafka.kafka_user_passwords:
    bootstrap_servers: ["broker-1.example.com:9091"]
    security_protocol: SSL
    ssl_cafile: /etc/kafka/tls/truststore.pem
    ssl_certfile: /etc/kafka/tls/operator.pem
    ssl_keyfile: /etc/kafka/tls/operator.pem
    login_servers: ["broker-1.example.com:9092", "broker-2.example.com:9092"]
    users:
      - {name: orders, password_from: {secret: kafka/demo/orders}}
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
changes:
  description: Who got a new password, or would in check mode, one line for each user.
  returned: success
  type: list
  elements: str
  sample:
    - "change: user orders, SCRAM-SHA-512, 8192 iterations -> a new password in the secret kafka/demo/orders"
versions:
  description: The versions of the new passwords; none in check mode.
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
    version:
      description: The version.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._aws import secrets
from ..module_utils._aws.secret_rotation import Rotation
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._kafka import users
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import password_rotation, password_versions
from ..module_utils._objects import users as declared_users
from ..module_utils._objects.declared import NOW, ObjectsError, outcome, protected
from ..module_utils._objects.login import LOGIN_SPEC, Login

ROTATED = ("name", "mechanism", "iterations", "password_from")
SPEC = dict(
    CONNECTION_SPEC,
    **LOGIN_SPEC,
    users={
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            **{name: declared_users.USER_OPTIONS[name] for name in ROTATED},
            "password_from": dict(declared_users.USER_OPTIONS["password_from"], required=True),
        },
    },
    protected_principals={"type": "list", "elements": "str", "default": []},
    versions_file={"type": "path", "default": password_versions.PATH},
)


def listed(params: dict) -> list[declared_users.Wanted]:
    """The users without their passwords; raises ObjectsError."""
    entries = [
        {**dict.fromkeys(declared_users.USER_OPTIONS), **each, "state": "present"}
        for each in password_rotation.selected(
            [{**each, "state": "present"} for each in params["users"]], [each["name"] for each in params["users"]]
        )
    ]
    return declared_users.wanted(entries, lambda _path: "unread")[0]


def refuse_silent(login: Login) -> None:
    """Before anything is changed, because a new password is proven at every broker."""
    if not login:
        raise ObjectsError(
            "A new password cannot be proven, because the connection has no login; set objects_login_servers."
            + password_rotation.SEE
        )
    silent = login.silent()
    if silent:
        raise ObjectsError(
            "Nothing listens at %s, where the new passwords are to be proven; bring that broker back, then run this"
            " again. See docs/runbooks/broker_down.md." % ", ".join(silent)
        )


def rotate(
    admin: Admin,
    aws: Rotation,
    plan: password_rotation.Plan,
    wanted: list[declared_users.Wanted],
    login: Login,
    known: password_versions.Versions,
) -> list[declared_users.Wanted]:
    """The users with their new passwords; in AWS first, then in Kafka, and shown to readers when they are proven."""
    try:
        # First of all, because it also says whether the record can be written.
        known.forget(each.key for each in wanted)
        passwords = {**plan.found, **aws.begin(plan.missing)}
        known.rotate({str(source): password.version for source, password in passwords.items()})
        made = password_rotation.with_passwords(wanted, passwords)
        users.upsert(admin, [each.credential() for each in made])
        for server in login.servers:
            login.until_taken(made, server)
        aws.finish(plan.present, passwords)
    except RackawareError as error:
        raise ObjectsError(
            "%s Correct that, and run the same command again: it goes on with the passwords that are made." % error
            + password_rotation.SEE
        ) from None
    known.keep(made, users.describe(admin))
    return made


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    made: list[declared_users.Wanted] = []
    try:
        with unforeseen("The passwords could not be changed"):
            wanted = listed(params)
            where = connection(params)
            login = Login(params, where)
            refuse_silent(login)
            with Admin(where) as admin:
                cluster = admin.metadata([]).cluster_id
                aws = Rotation(secrets.connect(), cluster)
                known = password_versions.Versions(params["versions_file"], lambda: cluster, wanted)
                plan = password_rotation.plan(
                    wanted,
                    users.describe(admin),
                    aws.look(each.source for each in wanted),
                    rotation=known.rotation,
                    protected=protected(params),
                )
                if not module.check_mode:
                    made = rotate(admin, aws, plan, wanted, login, known)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    result = outcome(plan.edits(wanted), NOW)
    del result["removals"]
    module.exit_json(versions=declared_users.versions(made), **result)


if __name__ == "__main__":
    main()
