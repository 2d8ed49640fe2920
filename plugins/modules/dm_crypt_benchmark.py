#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure which work queues and sector size of dm-crypt suit a disk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dm_crypt_benchmark
short_description: Measure which work queues and sector size of dm-crypt suit a disk
version_added: "0.1.0"
description:
  - Encrypts a blank disk with a temporary key, with each combination of work queues and sector size that dm-crypt
    offers. C(fio) reads and writes it sequentially, past the page cache.
  - Refuses every disk that is not proven blank, as M(rackaware.kafka.luks_volume) does. Erases the disk afterwards, so
    that it may be formatted.
  - The next run cleans up after one that was broken off.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  device:
    description: The disk, by a persistent name, as below C(/dev/disk/by-id), or a loop device.
    type: path
    required: true
  seconds:
    description: Seconds that each read and each write lasts. Each combination has one of each, and so has the disk
      without encryption.
    type: int
    default: 10
  block_size:
    description: The size of a request.
    type: str
    default: 1M
  queue_depth:
    description: How many requests are in progress at once.
    type: int
    default: 8
  size:
    description: The size of the part of the disk that is read and written, over and over.
    type: str
    default: 1G
  sector_sizes:
    description: The sizes of encrypted sectors to try.
    type: list
    elements: int
    default: [512, 4096]
  marker_dir:
    description: The directory in which this host remembers its encrypted disks.
    type: path
    default: /var/lib/kafka-luks
requirements:
  - cryptsetup >= 2.4.3
  - fio
seealso:
  - module: rackaware.kafka.luks_volume
"""

EXAMPLES = r"""
- name: Measure
  rackaware.kafka.dm_crypt_benchmark:
    device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS22D0EC0D5AD8F5B37
  register: measured
"""

RETURN = r"""
rows:
  description: One row for each combination, the disk without encryption first.
  returned: success, but for check mode
  type: list
  elements: dict
  contains:
    sector_size:
      description: Bytes of an encrypted sector, 0 without encryption.
      type: int
    perf:
      description: The work queues that were bypassed.
      type: list
      elements: str
    write_mb_s:
      description: MB/s written.
      type: float
    read_mb_s:
      description: MB/s read.
      type: float
    write_p99_ms:
      description: Milliseconds within which 99 of 100 writes ended.
      type: float
    read_p99_ms:
      description: Milliseconds within which 99 of 100 reads ended.
      type: float
    cpu_seconds:
      description: Processor seconds of all processors together.
      type: float
lines:
  description: The rows as text.
  returned: success, but for check mode
  type: list
  elements: str
options:
  description: What to set in C(encrypted_store_options); empty for the defaults.
  returned: success, but for check mode
  type: dict
reason:
  description: Why these options are best, one sentence.
  returned: success, but for check mode
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._command import run
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._luks import benchmark, format_record, volume
from ..module_utils._luks.cryptsetup import Cryptsetup

SPEC = {
    "device": {"type": "path", "required": True},
    "seconds": {"type": "int", "default": 10},
    "block_size": {"type": "str", "default": "1M"},
    "queue_depth": {"type": "int", "default": 8},
    "size": {"type": "str", "default": "1G"},
    "sector_sizes": {"type": "list", "elements": "int", "default": list(benchmark.SECTORS)},
    "marker_dir": {"type": "path", "default": format_record.DIRECTORY},
}


def work(params: dict, *, check_mode: bool) -> dict:
    """Look, measure, advise."""
    device, wrong = params["device"], sorted(set(params["sector_sizes"]) - set(benchmark.SECTORS))
    if volume.KERNEL_NAME.fullmatch(device):
        raise benchmark.BenchmarkError(
            "%s may be another disk after the next boot; give its path below /dev/disk/by-id." % device
        )
    if wrong or not params["sector_sizes"]:
        raise benchmark.BenchmarkError(
            "Encrypted sectors have 512 or 4096 bytes, not %s." % (", ".join(map(str, wrong)) or "none")
        )
    Cryptsetup(run).require()
    bench = benchmark.Bench(
        device,
        lambda argv, **more: run(argv, **{"timeout": params["seconds"] + 120, **more}),
        marker_dir=params["marker_dir"],
    )
    if check_mode:
        bench.check()
        return {"changed": True}
    load = benchmark.Load(params["seconds"], params["block_size"], params["queue_depth"], params["size"])
    rows = bench.measure(load, params["sector_sizes"])
    advice = benchmark.advise(rows, physical_sector=benchmark.physical_sector(device))
    return {
        "changed": True,
        "rows": [row.as_dict() for row in rows],
        "lines": [row.line() for row in rows],
        "options": advice.options,
        "reason": advice.reason,
        "diff": {"before": {"disk": "blank"}, "after": {"disk": "erased"}},
    }


def main() -> None:
    """Look, measure, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if not module.check_mode:
        module.get_bin_path("fio", required=True)
    try:
        with unforeseen("The disk could not be measured"):
            result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
