#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ebs_blank_proof
short_description: Ask EC2 which volumes that look blank are new
version_added: "0.1.0"
description:
  - Runs on the controller, for all hosts at once, before M(rackaware.kafka.data_volume) formats anything.
  - EC2 proves that a volume is new when the volume has the tag C(KafkaFormat=new), belongs to the cluster, was not made
    from a snapshot, and is attached to one instance only. The role C(instances) tags each volume that it makes.
  - Refuses a volume without any proof that it is blank, and names what the operator can do.
  - With O(state=spent) it removes the tag, so that a formatted volume never counts as new. It does so before the
    format, because a run that breaks off in between must not leave a formatted volume with a proof that it is blank.
  - Asks EC2 about EBS volumes only. When EC2 does not answer, it fails only if a volume needs this proof.
  - Needs the permission C(ec2:DescribeVolumes), and C(ec2:DeleteTags) for O(state=spent).
author: rackaware.kafka contributors (@rackaware)
options:
  volumes:
    description: For each host the disks that look blank, as RV(rackaware.kafka.host_preflight#module:blank_volumes).
    type: dict
    required: true
  cluster:
    description: The name of the cluster.
    type: str
    required: true
  read_whole:
    description: Names of disks of any size that M(rackaware.kafka.data_volume) may read from end to end, so that they
      need no proof.
    type: list
    elements: str
    default: []
  declared_blank:
    description: Names of disks that a person declares to be blank, so that they need no proof.
    type: list
    elements: str
    default: []
  state:
    description: V(present) only checks the proofs. V(spent) also removes the tags of all these volumes.
    type: str
    choices: [present, spent]
    default: present
requirements:
  - boto3 >= 1.35.0
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
seealso:
  - module: rackaware.kafka.data_volume
"""

EXAMPLES = r"""
- name: Refuse volumes that nothing proves to be blank
  rackaware.kafka.ebs_blank_proof:
    region: eu-west-1
    cluster: demo
    volumes:
      demo-broker-1: [{name: vol-0123456789abcdef0, size_bytes: 536870912000}]
  delegate_to: localhost
"""

RETURN = r"""
proven:
  description: The names, as in O(volumes), of the disks that EC2 proves to be new.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client
from ..module_utils._disk import blank_proof
from ..module_utils._disk.blank_proof import Permit
from ..module_utils._errors import RackawareError

SPEC = {
    "volumes": {"type": "dict", "required": True},
    "cluster": {"type": "str", "required": True},
    "read_whole": {"type": "list", "elements": "str", "default": []},
    "declared_blank": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "spent"], "default": "present"},
    **client.CONNECTION_SPEC,
}


def main() -> None:
    """Ask, decide, take the tags away, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    blank = params["volumes"]
    permit = Permit(declared=tuple(params["declared_blank"]), read_whole=tuple(params["read_whole"]))
    ids = blank_proof.volume_ids(blank)
    if ids and client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    try:
        described, silence, ec2 = {}, "", None
        try:
            if ids:
                ec2 = client.client("ec2", region=params["region"], profile=params["profile"])
                described = {volume["id"]: volume for volume in client.volumes_of(ec2, ids)}
        except client.AwsError as error:
            silence = "EC2 did not answer (%s)" % str(error).rstrip(".")
        proven = blank_proof.decide(blank, described, params["cluster"], permit, silence=silence)
        if silence:
            module.warn(
                "Whether %s still have the tag %s is not known, because %s."
                % (", ".join(ids), blank_proof.TAG, silence)
            )
        # Of those, too, that need no proof: what is formatted must not count as new.
        spent = blank_proof.tagged(described) if params["state"] == "spent" else []
        if spent and not module.check_mode:
            client.delete_tags(ec2, spent, blank_proof.TAG)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    diff = {
        "before": {name: {blank_proof.TAG: described[name]["tags"][blank_proof.TAG]} for name in spent},
        "after": {name: {} for name in spent},
    }
    module.exit_json(changed=bool(spent), proven=proven, diff=diff)


if __name__ == "__main__":
    main()
