#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the state of a ZooKeeper ensemble."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zookeeper_info
short_description: Read the state of a ZooKeeper ensemble
version_added: "0.1.0"
description:
  - Asks each server with the four-letter words C(srvr) and, where allowed, C(mntr), and says whether they form a
    quorum.
  - A server that does not answer is data, not a failure; look at RV(quorum.ok).
  - Servers are asked over TLS when O(ssl_certfile) is set. Of the connection to Kafka only O(ssl_cafile),
    O(ssl_certfile), O(ssl_keyfile) and O(ssl_check_hostname) are used here. The others are options of this module so
    that one set of C(module_defaults) serves all that ask a cluster.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
options:
  bootstrap_servers:
    description: Not used here.
    type: list
    elements: str
    required: false
  servers:
    description: All servers of the ensemble, as V(host:port). The port is 2181 when left out.
    type: list
    elements: str
    required: true
  timeout_seconds:
    description: Seconds that one server may take to answer one word.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Wait until ZooKeeper has its majority
  rackaware.kafka.zookeeper_info:
    servers: [198.18.1.201, 198.18.2.201, 198.18.3.201]
  register: seen
  until: seen.quorum.ok
  retries: 30
  delay: 1

- name: Ask servers that speak TLS only
  rackaware.kafka.zookeeper_info:
    servers: [198.18.1.201, 198.18.2.201, 198.18.3.201]
    ssl_cafile: /etc/kafka/tls/truststore.pem
    ssl_certfile: /etc/kafka/tls/operator.pem
    ssl_keyfile: /etc/kafka/tls/operator.pem
"""

RETURN = r"""
servers:
  description:
    - For each server, in the given order, C(server), C(ok), C(error) (a sentence or V(null)), C(version), C(mode)
      (V(leader), V(follower), V(observer), V(standalone)), C(znode_count), C(zxid), C(connections), C(outstanding),
      C(synced_followers), and C(monitor), the answer to C(mntr).
  returned: success
  type: list
  elements: dict
quorum:
  description: The state of all servers together.
  returned: success
  type: dict
  contains:
    ok:
      description: Whether exactly one server leads and a majority serves.
      type: bool
    size:
      description: The number of servers that were asked.
      type: int
    serving:
      description: The number of servers that lead or follow.
      type: int
    leader:
      description: The server that leads; V(null) unless exactly one does.
      type: str
    followers:
      description: The servers that follow.
      type: list
      elements: str
    reason:
      description: Why it is not ok, one sentence; V(null) when it is.
      type: str
  sample:
    ok: true
    size: 3
    serving: 3
    leader: "198.18.2.201"
    followers: ["198.18.1.201", "198.18.3.201"]
    reason: null
"""

from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import zookeeper
from ..module_utils._kafka.connection import CONNECTION_SPEC

SPEC = {
    **CONNECTION_SPEC,
    "bootstrap_servers": {"type": "list", "elements": "str"},
    "servers": {"type": "list", "elements": "str", "required": True},
    "timeout_seconds": {"type": "int", "default": 5},
}


def main() -> None:
    """Ask all at once, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    servers, seconds = module.params["servers"], module.params["timeout_seconds"]
    try:
        if not servers:
            raise zookeeper.ZooKeeperError(
                "There is no ZooKeeper server to ask, because servers is empty; name all of the ensemble."
            )
        for server in servers:
            zookeeper.address(server)
        secure = zookeeper.client(module.params)
        with ThreadPoolExecutor(len(servers)) as pool:
            seen = list(pool.map(lambda server: zookeeper.look(server, seconds, secure), servers))
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, servers=seen, quorum=zookeeper.quorum(seen))


if __name__ == "__main__":
    main()
