#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the next step from the CA of a running cluster to another one, whose keys are in KMS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_rotation
short_description: Take the next step from the CA of a running cluster to another one
version_added: "0.1.0"
description:
  - Runs once on the controller, for all hosts, between M(rackaware.kafka.tls_request) and
    M(rackaware.kafka.tls_certificates), which gives hosts what follows from the step; a restart of all nodes ends it.
  - How far the change is, is what KMS calls its keys. C(alias/kafka-<cluster>-ca) signs. With C(-next) at its end it is
    trusted, and does not sign yet; with C(-previous) it is trusted still; with C(-retired) it is trusted no more.
  - A step begins when all hosts run with what the one before gave them. The second and the third one need words in
    O(confirm).
  - The key of the old CA is deleted 30 days after the last step. The collection never deletes another one that has signed.
  - Needs C(kms:DescribeKey), C(kms:GetPublicKey), C(kms:CreateKey), C(kms:TagResource), C(kms:CreateAlias),
    C(kms:UpdateAlias), C(kms:DeleteAlias), C(kms:ScheduleKeyDeletion) and C(sts:GetCallerIdentity).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
options:
  cluster:
    description: The name of the cluster.
    type: str
    required: true
  hosts:
    description:
      - For each host C(identities), which the inventory says, and C(answer), the result of M(rackaware.kafka.tls_request).
      - P(rackaware.kafka.tls_hosts#filter) makes it.
    type: dict
    required: true
  advance:
    description:
      - Whether to begin the next step when the present one is done.
      - Without it the module fails where hosts have not done the present step; it only ends the last one, by scheduling
        the deletion of the old key.
    type: bool
    default: true
  listeners:
    description:
      - For each host the result RV(rackaware.kafka.tls_listener_info#module:listeners), without O(advance). The module
        fails where one shows a certificate of another CA than the one that signs, or takes certificates of other CAs of
        the cluster's own than those that are trusted.
    type: dict
    default: {}
  confirm:
    description: The words that confirm the next step, which RV(said) names.
    type: str
    default: ""
  authority_file:
    description: Where clients find the certificates of all CAs that nodes trust, for RV(said).
    type: str
    default: ca.pem
  tags:
    description: Tags of the new KMS key.
    type: dict
    default: {}
requirements:
  - boto3 >= 1.35.0
  - cryptography >= 42.0.0
seealso:
  - module: rackaware.kafka.tls_request
  - module: rackaware.kafka.tls_certificates
"""

EXAMPLES = r"""
- name: Take the next step
  rackaware.kafka.tls_rotation:
    cluster: demo
    region: eu-west-1
    hosts: "{{ groups['kafka_brokers'] | rackaware.kafka.tls_hosts(hostvars, tls_groups, 'demo', 'tls') }}"
    confirm: "{{ kafka_confirm | default('') }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
step:
  description: The step that the change is at afterwards, from V(1) to V(3); V(0) when none is under way.
  returned: success
  type: int
moved:
  description: What was done in KMS, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [A key is made as alias/kafka-demo-ca-next.]
said:
  description: How far the change is, and what comes next.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import authority_key, client
from ..module_utils._errors import RackawareError
from ..module_utils._tls import certificates, decision, rotation

SPEC = {
    "cluster": {"type": "str", "required": True},
    "hosts": {"type": "dict", "required": True},
    "advance": {"type": "bool", "default": True},
    "listeners": {"type": "dict", "default": {}},
    "confirm": {"type": "str", "default": ""},
    "authority_file": {"type": "str", "default": "ca.pem"},
    "tags": {"type": "dict", "default": {}},
    **client.CONNECTION_SPEC,
}


def look(kms: Any, cluster: str) -> dict:
    """What KMS calls its keys; raises RackawareError where no key signs."""
    named = authority_key.named(kms, cluster, rotation.TRUSTED, rotation.RETIRED)
    if rotation.SIGNS not in named:
        decision.refuse_no_key(authority_key.alias(cluster))
    rotation.refuse_odd(publics(named), authority_key.alias(cluster))
    return named


def publics(named: dict) -> dict:
    """Their public keys."""
    return {more: key.public for more, key in named.items()}


def move(kms: Any, sts: Any, params: dict, step: tuple, seen: dict) -> None:
    """Do one thing in KMS, with the keys that were looked at; seen: what is added to the name to the key's id."""
    what, more, other = step
    names = {each: authority_key.alias(params["cluster"], each) for each in rotation.NAMES}
    authority_key.expect(kms, {name: seen.get(each) for each, name in names.items()})
    if what == rotation.MAKE:
        seen[more] = authority_key.make(kms, sts, names[more], params["cluster"], params["tags"]).id
    elif what == rotation.POINT:
        authority_key.point(kms, names[more], seen[other], new=more not in seen)
        seen[more] = seen[other]
    elif what == rotation.DROP:
        authority_key.drop(kms, names[more])
        del seen[more]
    else:
        authority_key.delete(kms, names[more], seen.pop(more))


def sentence(cluster: str, step: tuple) -> str:
    """What one thing in KMS is, for people."""
    what, name, other = step
    return {
        rotation.MAKE: "A key is made as %(name)s.",
        rotation.POINT: "The key of %(other)s is called %(name)s.",
        rotation.DROP: "The alias %(name)s is taken away.",
        rotation.DELETE: "The key %(name)s is deleted in %(days)d days, and its alias is taken away.",
    }[what] % {
        "name": authority_key.alias(cluster, name),
        "other": authority_key.alias(cluster, other),
        "days": authority_key.RETIRED_DAYS,
    }


def work(params: dict, kms: Any, sts: Any, *, check_mode: bool) -> dict:
    """Look, refuse, move, look again."""
    cluster, hosts, file = params["cluster"], decision.hosts(params["hosts"]), params["authority_file"]
    named = look(kms, cluster)
    keys, seen = publics(named), {more: key.id for more, key in named.items()}
    at = rotation.position(keys, hosts)
    if params["advance"] and not check_mode:
        rotation.refuse_unconfirmed(keys, at, params["confirm"], file)
    elif not params["advance"] and not check_mode:
        rotation.refuse_incomplete(at)
        rotation.refuse_listeners(keys, at, hosts, params["listeners"], cluster)
    steps = rotation.moves(keys, at, advance=params["advance"])
    if not check_mode:
        for step in steps:
            move(kms, sts, params, step, seen)
        if steps and params["advance"]:
            keys = publics(look(kms, cluster))
            at = rotation.position(keys, hosts)
    moved = [sentence(cluster, step) for step in steps]
    return {
        "changed": bool(steps),
        "step": at.step,
        "moved": moved,
        "said": rotation.progress(keys, at, file),
        "diff": {"before": "", "after": "".join("%s\n" % each for each in moved)},
    }


def main() -> None:
    """Read, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    for name, error in (("cryptography", certificates.CRYPTOGRAPHY_ERROR), ("boto3", client.BOTO3_ERROR)):
        if error:
            module.fail_json(msg=missing_required_lib(name), exception=error)
    try:
        kms, sts = (client.client(each, region=params["region"], profile=params["profile"]) for each in ("kms", "sts"))
        out = work(params, kms, sts, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**out)


if __name__ == "__main__":
    main()
