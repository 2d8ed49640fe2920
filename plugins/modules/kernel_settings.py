#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the kernel's parameters, now and after each boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Set the kernel's parameters, now and after each boot
version_added: "0.1.0"
description:
  - Sets kernel parameters, transparent huge pages and I/O schedulers, and writes the files that make them persistent.
    These are named C(90-kafka) or C(kafka), in C(/etc/sysctl.d), C(/etc/tmpfiles.d), C(/etc/udev/rules.d) and
    C(/etc/security/limits.d).
  - Compares with the kernel's current values, so that a value that was changed by hand is restored.
  - In a container, settings that only its host can change are written to the files and named in RV(unavailable).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  sysctl:
    description: Parameters and their values, as C(sysctl) names them.
    type: dict
    default: {}
  transparent_hugepage:
    description: The mode of transparent huge pages; not changed when not given.
    type: str
    choices: [always, madvise, never]
  scheduler:
    description: The I/O scheduler of the disks that offer it; not changed when not given.
    type: str
  disks:
    description: The kernel's names of the disks, with wildcards.
    type: list
    elements: str
    default: ["nvme*n*", "xvd*"]
  open_files:
    description: For each user the number of files that a session may have open. Services have their limit from their
      units.
    type: dict
    default: {}
  header:
    description: The first line of the files.
    type: str
    default: Ansible managed
"""

EXAMPLES = r"""
- name: Tune the kernel
  rackaware.kafka.kernel_settings:
    sysctl:
      vm.swappiness: 1
      net.ipv4.tcp_rmem: 4096 131072 6291456
    transparent_hugepage: madvise
    scheduler: none
"""

RETURN = r"""
set:
  description: The names of the settings that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
unavailable:
  description: The names of settings that only the host of this container can change.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import staging, sysctl

SPEC = {
    "sysctl": {"type": "dict", "default": {}},
    "transparent_hugepage": {"type": "str", "choices": ["always", "madvise", "never"]},
    "scheduler": {"type": "str"},
    "disks": {"type": "list", "elements": "str", "default": ["nvme*n*", "xvd*"]},
    "open_files": {"type": "dict", "default": {}},
    "header": {"type": "str", "default": "Ansible managed"},
}
ROOT = "/"


def main() -> None:
    """Look, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    kept = (params["sysctl"], params["transparent_hugepage"], params["scheduler"], params["disks"])
    try:
        settings = sysctl.sysctls(params["sysctl"], ROOT) + sysctl.hugepages(params["transparent_hugepage"], ROOT)
        settings += sysctl.schedulers(params["scheduler"], params["disks"], ROOT)
        needed, unavailable = sysctl.split(settings, ROOT)
        lasting = sysctl.files(
            *kept,
            {user: int(number) for user, number in params["open_files"].items()},
            header=params["header"],
            root=ROOT,
        )
        steps = [step for step in staging.decide(lasting, held=False, promote=False) if step.changed]
        if not module.check_mode:
            for setting in needed:
                sysctl.write(setting)
            for step in steps:
                staging.apply(step)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    now = {
        when: "".join("%s = %s\n" % (setting.name, getattr(setting, which)) for setting in needed)
        for when, which in (("before", "found"), ("after", "wanted"))
    }
    module.exit_json(
        changed=bool(needed or steps),
        set=[setting.name for setting in needed],
        unavailable=unavailable,
        diff=([{"before_header": "kernel", "after_header": "kernel", **now}] if needed else [])
        + [staging.diff(step) for step in steps],
    )


if __name__ == "__main__":
    main()
