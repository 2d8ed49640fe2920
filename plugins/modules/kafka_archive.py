#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install a version of Kafka from its archive, beside the others."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_archive
short_description: Install a version of Kafka from its archive, beside the others
version_added: "0.1.0"
description:
  - Fetches the archive, compares its SHA-512, and unpacks it atomically to C(kafka-<version>) below O(directory).
  - Never changes a version that is installed, so that a service that runs from it is not disturbed. Other versions are
    installed beside it.
  - Leaves nothing changed when it fails.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  version:
    description: The version.
    type: str
    required: true
  url:
    description: The URL of the archive.
    type: str
    required: true
  checksum:
    description: The archive's SHA-512; by default it is read from O(url) with the suffix C(.sha512).
    type: str
  directory:
    description: The directory in which versions are installed.
    type: path
    default: /opt
"""

EXAMPLES = r"""
- name: Install Kafka
  rackaware.kafka.kafka_archive:
    version: 4.3.1
    url: https://mirror.example.com/kafka_2.13-4.3.1.tgz
"""

RETURN = r"""
path:
  description: The directory of the version.
  returned: success
  type: str
sha512:
  description: The SHA-512 of its archive; V(null) in check mode when it is not installed.
  returned: success
  type: str
"""

import re
from typing import BinaryIO

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ..module_utils._errors import RackawareError
from ..module_utils._host import archive

SPEC = {
    "version": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "checksum": {"type": "str"},
    "directory": {"type": "path", "default": "/opt"},
}
SECONDS = 60


def opened(url: str) -> BinaryIO:
    """A stream of a URL's bytes, not decoded: a server may call a .tgz an encoded .tar."""
    return open_url(url, timeout=SECONDS, decompress=False)


def main() -> None:
    """Look, fetch, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    version, directory, checksum = params["version"], params["directory"], params["checksum"] or None
    if checksum and not re.fullmatch(r"[0-9a-fA-F]{128}", checksum):
        module.fail_json(
            msg="kafka_install_checksum must be a SHA-512, 128 hexadecimal digits, but has %d characters; correct it."
            % len(checksum)
        )
    path = archive.target(version, directory)
    try:
        digest = archive.installed(version, directory, checksum)
        changed = digest is None
        if changed and not module.check_mode:
            digest = archive.install(version, directory, params["url"], checksum, opened)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=changed, path=path, sha512=digest, diff={"before": "" if changed else path + "\n", "after": path + "\n"}
    )


if __name__ == "__main__":
    main()
