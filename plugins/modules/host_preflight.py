#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check everything on a host that could keep Kafka from running, before anything changes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_preflight
short_description: Check everything on a host that could keep Kafka from running
version_added: "0.1.0"
description:
  - Checks the clock, the limit of open files, ports in use, downloads and data volumes.
  - Fails with one sentence for each finding, and changes nothing.
  - A port that one of the collection's own services uses is no finding.
  - Refuses a host that has another version of the service than O(version), because only an upgrade changes the version.
  - With O(log_dirs) it reads which cluster and node the disks and the running process belong to, as far as the disks
    are mounted.
  - Lists the packages that are installed and the services that run, so that a play needs tasks only for the others.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  ports:
    description: TCP ports that the node will listen on.
    type: list
    elements: int
    default: []
  open_files:
    description: How many files a service must be able to have open.
    type: int
  controller_time:
    description: The controller's time, in seconds since 1970. The host's clock may differ by 30 seconds.
    type: float
  downloads:
    description: URLs that the host will fetch.
    type: list
    elements: str
    default: []
  downloaded:
    description: A path. When it exists, nothing will be fetched, and O(downloads) are not checked.
    type: path
  service:
    description: The service that the node runs.
    type: str
    choices: [broker, controller, zookeeper]
  version:
    description: The version that the service must have, if it is installed; needs O(service).
    type: str
  log_dirs:
    description: The data directories of O(service), whose identity is read; ignored without O(service).
    type: list
    elements: path
    default: []
  mounts:
    description: The mount points above O(log_dirs).
    type: list
    elements: path
    default: []
  java:
    description: The lowest version of Java that is supported; not checked when not given.
    type: int
  packages:
    description: Packages of the distribution that the play will install.
    type: list
    elements: str
    default: []
  services:
    description: Systemd units that must run, besides that of O(service).
    type: list
    elements: str
    default: []
  users:
    description: Users that the play will make.
    type: list
    elements: str
    default: []
  python_packages:
    description: Python packages that the play will install, as C(name==version); needs O(virtualenv).
    type: list
    elements: str
  virtualenv:
    description: The virtual environment to search for O(python_packages), for the version of the Python that runs this
      module.
    type: path
  volumes:
    description: The data volumes, as for M(rackaware.kafka.data_volume).
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The EBS volume's id.
        type: str
      path:
        description: A path below C(/dev/disk/by-id), for volumes that are not EBS.
        type: path
      mount:
        description: Where it will be mounted.
        type: path
        required: true
"""

EXAMPLES = r"""
- name: Check the host
  rackaware.kafka.host_preflight:
    ports: [9091, 9092]
    open_files: 100000
    controller_time: "{{ now(utc=true).timestamp() }}"
"""

RETURN = r"""
findings:
  description: What is wrong, one sentence each; empty on success.
  returned: always
  type: list
  elements: str
installed:
  description:
    - Those of O(packages) and O(python_packages) that are installed.
    - A package that dpkg or rpm does not know by this very name, such as a file or a URL, is never listed.
  returned: success
  type: list
  elements: str
users:
  description: For each of O(users) that exists its C(home) and C(shell).
  returned: success
  type: dict
  sample: {kafka: {home: /nonexistent, shell: /usr/sbin/nologin}}
running:
  description: The units of O(services) and O(service) that are active, enabled and unchanged since systemd read them.
  returned: success
  type: list
  elements: str
identity:
  description:
    - The identity of the node, as the host's disks and process have it.
    - C(host) is its own name, C(directories) are as from M(rackaware.kafka.kafka_storage_info), C(mounted) is whether
      all O(mounts) are there, C(running) whether the service runs.
    - C(process) has the C(path) of the file that the running service was started with, and the C(node_id) in it. It is
      V(null) when the service does not run.
    - C(quorum) lists the ZooKeeper servers or controllers in its configuration.
  type: dict
  returned: success, when O(service) and O(log_dirs) are given
blank_volumes:
  description: Those of O(volumes) that look blank, each with its C(name), an id or a path, and C(size_bytes).
    M(rackaware.kafka.data_volume) formats one only with a proof.
  returned: success
  type: list
  elements: dict
out_of_service:
  description: The record that the broker is out of service, as from M(rackaware.kafka.kafka_service_info), or V(null).
  returned: success
  type: dict
upgrade:
  description: The record of the last upgrade on this host, as from M(rackaware.kafka.kafka_service_info), or V(null).
  returned: success
  type: dict
"""

import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ..module_utils._config.units import service
from ..module_utils._disk import volumes
from ..module_utils._errors import RackawareError
from ..module_utils._host import identity, out_of_service, preflight, service_state
from ..module_utils._upgrade import record

SPEC = {
    "ports": {"type": "list", "elements": "int", "default": []},
    "open_files": {"type": "int"},
    "controller_time": {"type": "float"},
    "downloads": {"type": "list", "elements": "str", "default": []},
    "downloaded": {"type": "path"},
    "service": {"type": "str", "choices": ["broker", "controller", "zookeeper"]},
    "version": {"type": "str"},
    "log_dirs": {"type": "list", "elements": "path", "default": []},
    "mounts": {"type": "list", "elements": "path", "default": []},
    "java": {"type": "int"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str", "default": []},
    "users": {"type": "list", "elements": "str", "default": []},
    "python_packages": {"type": "list", "elements": "str"},
    "virtualenv": {"type": "path"},
    "volumes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"id": {"type": "str"}, "path": {"type": "path"}, "mount": {"type": "path", "required": True}},
    },
}
SECONDS = 15


def fetch(url: str) -> None:
    """Ask for a URL's head; raises OSError or ValueError when it cannot be had."""
    open_url(url, method="HEAD", timeout=SECONDS).close()


def _identity_of(params: dict[str, Any], run: Callable[..., tuple[int, str, str]]) -> dict[str, Any]:
    runs = service_state.state(service(params["service"]).unit, run) == "active"
    return identity.look(params["service"], params["log_dirs"], mounts=params["mounts"], runs=runs)


def main() -> None:
    """Look, report."""
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_by={"version": "service", "python_packages": "virtualenv"},
    )
    params = module.params
    try:
        findings = preflight.findings(params, now=time.time(), fetch=fetch)
        findings += preflight.java_findings(params["java"], module.run_command)
        findings += preflight.version_findings(
            params["version"], service_state.jvm(params["service"])["version"] if params["version"] else None
        )
        upgrade = record.read()
        volume_findings, blank = volumes.preview(params["volumes"], module.run_command)
        findings += volume_findings
        running = preflight.running(
            [*params["services"], *([service(params["service"]).unit] if params["service"] else [])], module.run_command
        )
        installed = preflight.installed(params["packages"], module.run_command)
        installed += preflight.installed_in(params["virtualenv"] or "", params["python_packages"] or ())
        absent = out_of_service.read() if params["service"] == "broker" else None
        more = (
            {"identity": _identity_of(params, module.run_command)}
            if params["service"] and params["log_dirs"] and not findings
            else {}
        )
    except RackawareError as error:
        module.fail_json(msg=str(error), findings=[str(error)])
    if findings:
        module.fail_json(msg=" ".join(findings), findings=findings)
    users = preflight.users(params["users"])
    module.exit_json(
        changed=False,
        findings=[],
        upgrade=upgrade,
        installed=installed,
        running=running,
        users=users,
        blank_volumes=blank,
        out_of_service=absent,
        **more,
    )


if __name__ == "__main__":
    main()
