#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format once, open, close and erase an encrypted volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: luks_volume
short_description: Format once, open, close and erase an encrypted volume
version_added: "0.1.0"
description:
  - Keeps a LUKS2 volume on a disk, encrypted with C(aes-xts-plain64) and a 512-bit key.
  - Formats a disk only with O(allow_format=blank_only), and only when it is proven blank by its signatures, by reading
    it, and by what this host remembers of it. Refuses any other disk, and a disk that cannot be read.
  - The next run after an interruption continues with the next step, whichever step was the last.
  - Neither options nor results contain a key.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.luks_key_source
options:
  device:
    description:
      - The disk, by a persistent name, as below C(/dev/disk/by-id), or a loop device.
    type: path
    required: true
  allow_kernel_name:
    description: Whether O(device) may be a name such as V(/dev/nvme1n1), which may be another disk after the next boot.
    type: bool
    default: false
  name:
    description: The name of the mapping below C(/dev/mapper).
    type: str
    required: true
  uuid:
    description: The volume's UUID. It is chosen before the format, so that a disk with another UUID is another volume.
    type: str
    required: true
  label:
    description: The label in the header; by default O(name).
    type: str
  subsystem:
    description: The owner of the volume, as the header has it. A header with another subsystem is refused.
    type: str
    required: true
  state:
    description:
      - V(formatted) is a volume with a header and a key, V(open) is also mapped.
      - V(closed) is not mapped. V(erased) destroys key slots and headers, so that the data can never be read again.
    type: str
    choices: [formatted, open, closed, erased]
    default: open
  allow_format:
    description: Whether a blank disk may be formatted.
    type: str
    choices: [never, blank_only]
    default: never
  confirm_uuid:
    description: The value of O(uuid) again, to confirm O(state=erased).
    type: str
  answer:
    description:
      - For O(state=erased) on a node of a cluster, the answer of the gate that admits it. Nothing is erased when the
        answer is older than a minute, or when another run has claimed the host since, as with
        M(rackaware.kafka.kafka_roll_service).
    type: dict
    suboptions:
      owner:
        description: The owner of the lock of the cluster.
        type: str
        required: true
      answered:
        description: When the gate answered, in seconds since 1970. Leave it out for the stores after the first, because
          stores must not stay half erased.
        type: float
  sector_size:
    description:
      - The size of an encrypted sector. It cannot change after the format.
      - By default cryptsetup chooses, V(4096) where the disk's physical sectors are as large.
    type: int
    choices: [512, 4096]
  perf:
    description:
      - Work queues of dm-crypt to bypass. Without a list, an open volume keeps its setting.
      - What is faster depends on the disk and on the load; measure with M(rackaware.kafka.dm_crypt_benchmark).
    type: list
    elements: str
    choices: [no_read_workqueue, no_write_workqueue]
  allow_discards:
    description: Whether discards reach the disk. They reveal which blocks are used.
    type: bool
    default: false
  filesystem:
    description:
      - V(xfs) makes a file system in a new volume, once, before the volume counts as ready. V(none) makes none.
    type: str
    choices: [none, xfs]
    default: none
  token:
    description:
      - Facts to store in the header, in addition to those of O(key.wrapped). They are not encrypted.
    type: dict
    default: {}
  marker_dir:
    description: The directory in which this host remembers its encrypted disks.
    type: path
    default: /var/lib/kafka-luks
notes:
  - The module fetches the key only when a step needs it. A run without a change asks neither S3 nor KMS.
seealso:
  - module: rackaware.kafka.kms_data_key
  - module: rackaware.kafka.luks_key
  - module: rackaware.kafka.luks_header_backup
"""

EXAMPLES = r"""
- name: Open the instance store, and format it when it is blank
  rackaware.kafka.luks_volume:
    device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS22D0EC0D5AD8F5B37
    name: kafka-d0
    uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
    subsystem: kafka-demo-1
    allow_format: blank_only
    filesystem: xfs
    key:
      wrapped: "{{ wrapped_key.wrapped }}"

- name: Destroy its data
  rackaware.kafka.luks_volume:
    device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS22D0EC0D5AD8F5B37
    name: kafka-d0
    uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
    subsystem: kafka-demo-1
    state: erased
    confirm_uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
"""

RETURN = r"""
actions:
  description: The steps that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [remember formatting, format, token provisioning, open, mkfs, token ready, remember ready]
uuid:
  description: The volume's UUID.
  returned: success
  type: str
mapper:
  description: The path of the mapping, when the volume is open after the run.
  returned: success
  type: str
state_before:
  description: The state before the run, V(open), V(formatted), V(blank), V(torn) for an interrupted first format,
    V(foreign) or V(unknown).
  returned: success
  type: str
state_after:
  description: The same after the run.
  returned: success
  type: str
header:
  description: The header after the run; V(null) when there is none.
  returned: success
  type: dict
reason:
  description: Why the disk was judged so; may be empty.
  returned: success
  type: str
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._command import run
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._host import claim
from ..module_utils._luks import format_record, key_source
from ..module_utils._luks import volume as luks_volume
from ..module_utils._luks.cryptsetup import PERF
from ..module_utils._stores import activate

SPEC = {
    "device": {"type": "path", "required": True},
    "allow_kernel_name": {"type": "bool", "default": False},
    "name": {"type": "str", "required": True},
    "uuid": {"type": "str", "required": True},
    "label": {"type": "str"},
    "subsystem": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": [luks_volume.FORMATTED, luks_volume.OPEN, luks_volume.CLOSED, luks_volume.GONE],
        "default": luks_volume.OPEN,
    },
    "allow_format": {
        "type": "str",
        "choices": [luks_volume.NEVER, luks_volume.BLANK_ONLY],
        "default": luks_volume.NEVER,
    },
    "confirm_uuid": {"type": "str"},
    "answer": activate.ANSWER_SPEC,
    "sector_size": {"type": "int", "choices": [512, 4096]},
    "perf": {"type": "list", "elements": "str", "choices": list(PERF)},
    "allow_discards": {"type": "bool", "default": False},
    "filesystem": {"type": "str", "choices": ["none", "xfs"], "default": "none"},
    "token": {"type": "dict", "default": {}, "no_log": False},
    "marker_dir": {"type": "path", "default": format_record.DIRECTORY},
    "key": key_source.spec(),
}
KEYLESS = (luks_volume.CLOSED, luks_volume.GONE)


def wanted_of(params: dict) -> luks_volume.Wanted:
    """The options as one value; raises RackawareError for what cannot be meant."""
    wanted = luks_volume.Wanted(
        device=params["device"],
        name=params["name"],
        uuid=params["uuid"],
        label=params["label"] if params["label"] is not None else params["name"],
        subsystem=params["subsystem"],
        sector_size=params["sector_size"],
        perf=None if params["perf"] is None else tuple(params["perf"]),
        discards=params["allow_discards"],
        filesystem=params["filesystem"] == "xfs",
        token={**params["token"], **key_source.facts_of(params["key"])},
    )
    luks_volume.check_names(wanted, allow_kernel_name=params["allow_kernel_name"])
    return wanted


def work(params: dict, *, check_mode: bool) -> dict:
    """Look, decide, do, look again."""
    volume = luks_volume.Volume(wanted_of(params), run, marker_dir=params["marker_dir"])
    volume.cryptsetup.require()
    how = {name: params[name] for name in ("state", "allow_format", "confirm_uuid")}
    before = volume.facts()
    plan = luks_volume.plan(before, volume.wanted, **how)
    if plan.actions and params["state"] not in KEYLESS:
        if not params["key"]:
            raise luks_volume.LuksError(
                "%s needs its key for the step %s; give the option key." % (params["device"], plan.actions[0])
            )
        with key_source.key_of(params["key"]) as key:
            before = volume.facts(key)
            plan = luks_volume.plan(before, volume.wanted, **how)
            if not check_mode:
                volume.perform(plan.actions, key)
    elif not check_mode:
        if plan.actions and params["answer"]:
            claim.check(params["answer"]["owner"], params["answer"]["answered"], now=time.time())
        volume.perform(plan.actions)
    return report(volume, before, plan, params["state"], check_mode=check_mode)


def report(
    volume: luks_volume.Volume, before: luks_volume.Facts, plan: luks_volume.Plan, state: str, *, check_mode: bool
) -> dict:
    """The result; in check mode the state after is the one that was planned."""
    state_before = state_of(before, plan.verdict)
    if not plan.actions:
        after, header = state_before, before.header
    elif check_mode:
        after, header = (
            {luks_volume.CLOSED: luks_volume.FORMATTED, luks_volume.GONE: luks_volume.BLANK}.get(state, state),
            before.header,
        )
    else:
        facts = volume.facts()
        after, header = state_of(facts, luks_volume.judge(facts, volume.wanted)), facts.header
    return {
        "changed": bool(plan.actions),
        "actions": list(plan.actions),
        "uuid": volume.wanted.uuid,
        "mapper": volume.mapped if after == luks_volume.OPEN else "",
        "state_before": state_before,
        "state_after": after,
        "header": header.as_dict() if header else None,
        "reason": plan.verdict.reason,
        "diff": {
            "before": {"state": state_before},
            "after": {"state": after, "actions": list(plan.actions)} if plan.actions else {"state": after},
        },
    }


def state_of(facts: luks_volume.Facts, verdict: luks_volume.Verdict) -> str:
    """One word for people."""
    if verdict.kind == luks_volume.MINE:
        return luks_volume.OPEN if facts.mapper else luks_volume.FORMATTED
    return verdict.kind


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(
        argument_spec=SPEC, supports_check_mode=True, required_if=[("state", luks_volume.GONE, ["confirm_uuid"])]
    )
    try:
        with unforeseen("The volume could not be worked on"):
            result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
