# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Configurations of topics and brokers."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from .batches import batches
from .client import CLUSTER_AUTHORIZATION_FAILED, UNKNOWN_TOPIC, Admin, at_once, check
from .connection import KafkaError

TOPIC_RESOURCE, BROKER_RESOURCE = 2, 4
SET, DELETE = 0, 1
MIN_ISR = "min.insync.replicas"
# ConfigSource in Kafka's DescribeConfigsResponse.java.
DYNAMIC_TOPIC_SOURCE = 1


def topic_configs(
    admin: Admin, topics: Sequence[str], keys: Sequence[str] | None = None, broker_id: int | None = None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Configurations of the topics that exist: {topic: {key: {value, own}}}.

    own is whether the topic itself sets it.
    """
    return _configs(admin, TOPIC_RESOURCE, topics, keys, broker_id)


def broker_configs(admin: Admin, broker_id: int, keys: Sequence[str] | None = None) -> dict[str, str | None]:
    """Configuration values of one broker, as it has them; {key: value}."""
    configs = _configs(admin, BROKER_RESOURCE, [str(broker_id)], keys, broker_id)
    return {key: entry["value"] for key, entry in configs[str(broker_id)].items()}


def _configs(
    admin: Admin, kind: int, names: Sequence[str], keys: Sequence[str] | None, node: int | None
) -> dict[str, dict[str, dict[str, Any]]]:
    from kafka.protocol.admin import DescribeConfigsRequest as Request

    if not names:
        return {}
    keys_asked = None if keys is None else list(keys)
    # Every value is asked for, as defaults count too; KafkaAdminClient.describe_configs would leave them out.
    resources = [
        Request.DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys_asked)
        for name in names
    ]
    answer = admin.send(Request(resources=resources, include_synonyms=False, include_documentation=False), node)
    out = {}
    for result in answer.results:
        if result.error_code == UNKNOWN_TOPIC:
            continue
        check(result, "to describe the configuration of %s" % result.resource_name)
        out[result.resource_name] = {
            config.name: {"value": config.value, "own": config.config_source == DYNAMIC_TOPIC_SOURCE}
            for config in result.configs
        }
    return out


def min_insync_replicas(
    admin: Admin, topics: Sequence[str], broker_id: int | None = None
) -> dict[str, tuple[int, bool]]:
    """min.insync.replicas of each existing topic, and whether the topic itself sets it.

    If not, it is the value of the broker that is asked.
    """
    configs = topic_configs(admin, topics, [MIN_ISR], broker_id)
    return {topic: (int(entries[MIN_ISR]["value"]), entries[MIN_ISR]["own"]) for topic, entries in configs.items()}


def own_minimums(admin: Admin, brokers: Iterable[int]) -> dict[int, int]:
    """min.insync.replicas of each of these brokers that answers, for topics that set none.

    A broker enforces its own value where it leads.
    """
    said = at_once(lambda broker: int(broker_configs(admin, broker, [MIN_ISR])[MIN_ISR] or 1), brokers)
    for answer in said.values():
        if isinstance(answer, KafkaError) and answer.code == CLUSTER_AUTHORIZATION_FAILED:
            raise answer
    return {broker: least for broker, least in said.items() if not isinstance(least, KafkaError)}


def alter_topic_configs(admin: Admin, topics: Mapping[str, Mapping[str, str | None]], *, validate_only: bool) -> None:
    """Set keys of topics' configurations, and remove those whose value is None; others stay."""
    for batch in batches(admin, sorted(topics), lambda name: len(topics[name])):
        _alter(admin, TOPIC_RESOURCE, {name: topics[name] for name in batch}, None, validate_only)


def alter_broker_config(
    admin: Admin, broker_id: int | None, config: dict[str, str | None], *, validate_only: bool
) -> None:
    """The same for one broker's dynamic configuration, or with None for the default of all brokers."""
    name = "" if broker_id is None else str(broker_id)
    _alter(admin, BROKER_RESOURCE, {name: config}, broker_id, validate_only)


def _alter(
    admin: Admin,
    kind: int,
    configs: Mapping[str, Mapping[str, str | None]],
    node: int | None,
    validate_only: bool,
) -> None:
    # KafkaAdminClient.alter_configs looks up names first, but brokers list no replication throttle that is not set.
    from kafka.protocol.admin import IncrementalAlterConfigsRequest as Request

    resource = Request.AlterConfigsResource
    resources = [
        resource(
            resource_type=kind,
            resource_name=name,
            configs=[
                resource.AlterableConfig(name=key, config_operation=DELETE if value is None else SET, value=value)
                for key, value in sorted(config.items())
            ],
        )
        for name, config in configs.items()
    ]
    answer = admin.send(Request(resources=resources, validate_only=validate_only), node)
    for result in answer.responses:
        check(
            result,
            "to change the configuration of %s" % (result.resource_name or "all brokers"),
        )
