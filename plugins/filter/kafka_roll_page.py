# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_page
short_description: The report of a roll as one self-contained HTML page, or as data
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
description:
  - Turns the events of a rolling restart or upgrade into a page with a row for each node, the brokers by rack, the curves of under-replicated partitions
    and of those at their minimum of in-sync replicas on the same axis, and what a client saw if the ledger ran.
  - The page needs no network, no script and no other file, and follows the reader's light or dark setting.
positional: plan
options:
  _input:
    description:
      - The events, each with V(t) (epoch seconds or ISO 8601) and V(event), or the data that this filter gave with O(output=model).
      - Known events are V(roll_started), V(batch_started), V(gate_waiting), V(gate_open), V(stopping), V(stopped), V(started), V(registered),
        V(back), V(soaked), V(curve), V(fault), V(failed), V(roll_stopped) and V(roll_ended), and the same of other nodes, as V(controller_stopping) or
        V(zookeeper_back).
    type: raw
    required: true
  plan:
    description:
      - The plan with V(nodes) (a list of V(id), V(rack), V(name) and V(roles), without which it is a broker), V(batches), and, if known, V(quorum),
        V(lower_bound), V(certificate) and V(refused).
    type: dict
    default: {}
  ledger:
    description: The report of the ledger client, if one ran.
    type: dict
    default: {}
  cluster:
    description: The name of the cluster; by default the one in V(roll_started).
    type: str
  serial_seconds:
    description:
      - What restarting one broker after another would take.
      - By default the sum of the restarts of this very roll, without any waiting between them.
    type: float
  output:
    description: The page, or the same as data.
    type: str
    choices: [html, model]
    default: html
"""

EXAMPLES = r"""
- name: Write the report of the roll
  ansible.builtin.copy:
    content: "{{ events | rackaware.kafka.kafka_roll_page(plan, cluster='demo') }}"
    dest: reports/roll.html
    mode: "0644"

- name: Write the same as data
  ansible.builtin.copy:
    content: "{{ events | rackaware.kafka.kafka_roll_page(plan, cluster='demo', output='model') | to_nice_json }}"
    dest: reports/roll.json
    mode: "0644"
"""

RETURN = r"""
_value:
  description: A page of HTML, or with O(output=model) a dictionary.
  type: raw
"""

from typing import Any, Callable, Mapping

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import RackawareError
from ..module_utils._report.page import roll_page as page
from ..module_utils._report.roll import model


def kafka_roll_page(
    given: Any,
    plan: Mapping[str, Any] | None = None,
    ledger: Mapping[str, Any] | None = None,
    cluster: str | None = None,
    serial_seconds: float | None = None,
    output: str = "html",
) -> Any:
    """Events or a model in, HTML or a model out."""
    if output not in ("html", "model"):
        raise AnsibleFilterError("kafka_roll_page: output is %r, but must be html or model." % output)
    if isinstance(given, (str, bytes)) or not isinstance(given, (list, tuple, dict)):
        raise AnsibleFilterError("kafka_roll_page: the input is %s, but must be a list of events or the model of a roll." % type(given).__name__)
    try:
        roll = given if isinstance(given, dict) else model(given, plan, ledger=ledger, cluster=cluster, serial_seconds=serial_seconds)
        return page(roll) if output == "html" else roll
    except RackawareError as error:
        raise AnsibleFilterError("kafka_roll_page: %s" % error) from None


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kafka_roll_page": kafka_roll_page}
