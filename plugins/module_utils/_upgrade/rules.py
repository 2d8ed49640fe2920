# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether a cluster may go from one version of Kafka to another, back again, and when that is finalised. Kafka's own rules, and where they stand:

- ZooKeeper mode ends with 3.9, and 3.9 takes any older version (docs, "Upgrading to 3.9.0 from any version 0.8.x through 3.8.x"). From before 2.1
  there is no way back once the protocol is raised, as the schema of the consumer offsets changes (note in step 5 there), so those are refused.
- Brokers of 4.x need KRaft, "and the software and metadata versions must be at least 3.3.x" (docs, "Upgrading Servers to 4.0.0 from any version 3.3.x
  through 3.9.x"; the same through 4.3.0). The lowest level that 4.x knows is 3.3-IV3, which is 7 (MetadataVersion.MINIMUM_VERSION).
- Brokers of 4.x need Java 17 (KIP-1013), and answer only clients from 2.1 on (KIP-896).
- In ZooKeeper mode the brokers of the new version speak the old inter.broker.protocol.version until everybody has it; the raise needs one more roll, and
  closes the way back (docs, steps 1 to 4 there). In KRaft mode metadata.version and the other features stay as they are until they are raised
  (KIP-584, KIP-778), which takes no restart; "a downgrade is only possible if there are no metadata changes in the versions between" (docs, 4.0),
  which 4.0, 4.1, 4.2 and 4.3 have. So there is one way down: to the version before, while nothing has been finalised.

A record says what is under way, as the same file on every broker: {from, to, metadata, protocol, features, began, rolled, finalizing, finalized}.
Times are ISO 8601 in UTC or None; protocol is the one before in ZooKeeper mode, features are {name: level} before in KRaft mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Iterable, Mapping, Sequence

from .._errors import RackawareError

ZOOKEEPER, KRAFT = "zookeeper", "kraft"
Record = Mapping[str, Any]
LAST_ZOOKEEPER, FIRST_WITHOUT = (3, 9), (4, 0)
LAST_MAJOR = 4
OFFSETS_SCHEMA = (2, 1)
PRODUCTION_KRAFT, PRODUCTION_LEVEL = (3, 3), 7
METADATA_VERSION = "metadata.version"
# How the quorum keeps its voters is a choice of its own, not a part of a version.
OWN_CHOICE = frozenset(("kraft.version",))
MODERN_JAVA = 17
# What only brokers and controllers send to one another: org.apache.kafka.common.protocol.ApiKeys, those with clusterAction, and WriteTxnMarkers.
BETWEEN_BROKERS = frozenset((4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 64, 67, 70, 73, 82))
SHOWN = 6
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class UpgradeError(RackawareError):
    """The upgrade, the way back or the finalisation is not possible; the sentence says why."""


@dataclass(frozen=True)
class Decision:
    """What a run of an upgrade does: way is up, back or none (everybody runs it); record is what the brokers write down first, None for nothing."""

    way: str
    start: str
    target: str
    mixed: bool
    record: Record | None
    lines: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Finalization:
    """What is left to finalise: needed is whether anything changes in Kafka, closes whether the way back ends; features are {name: level} to raise;
    record is what the brokers write down before."""

    needed: bool
    closes: bool
    version: str
    record: Record | None
    protocol: str | None
    features: dict[str, int]
    lines: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def numbers(version: Any) -> tuple[int, int, int]:
    """4.3.1 as (4, 3, 1); raises UpgradeError."""
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", str(version))
    if not found:
        raise UpgradeError("%s is not a version of Kafka; set kafka_version to a full one like 4.3.1." % (version,))
    return int(found.group(1)), int(found.group(2)), int(found.group(3))


def series(version: Any) -> tuple[int, int]:
    """(3, 8) of 3.8.1, and of a protocol's name like 3.8 or 3.8-IV0; raises UpgradeError."""
    found = re.match(r"(\d+)\.(\d+)(?:[.-]|$)", str(version))
    if not found:
        raise UpgradeError("%s is neither a version of Kafka nor a protocol of its brokers." % (version,))
    return int(found.group(1)), int(found.group(2))


def short(version: Any) -> str:
    """3.8 of 3.8.1, as inter.broker.protocol.version is written."""
    return "%d.%d" % series(version)


def java(version: Any) -> int:
    """The oldest Java that a broker of this version runs on."""
    return MODERN_JAVA if numbers(version)[0] >= FIRST_WITHOUT[0] else 8


def supported(start: str, target: str, *, metadata: str, level: int | None) -> None:
    """Raise UpgradeError unless Kafka supports going up from start to target; level is the finalised metadata.version in KRaft mode."""
    there, here = series(target), series(start)
    if there[0] > LAST_MAJOR:
        raise UpgradeError(
            "Kafka %s is newer than this collection, which knows the rules up to %d.x; use a newer one."
            % (target, LAST_MAJOR)
        )
    if metadata == ZOOKEEPER:
        if there > LAST_ZOOKEEPER:
            raise UpgradeError(
                "Kafka %s cannot run with ZooKeeper, which 4.0 removed; set kafka_version to 3.9.2, and migrate to KRaft before you go further."
                % target
            )
        if here < OFFSETS_SCHEMA:
            raise UpgradeError(
                "Kafka %s is older than 2.1, from where Kafka has no way back after the upgrade; go to 2.1 or later by hand first."
                % start
            )
        return
    if there < FIRST_WITHOUT:
        return
    if here < PRODUCTION_KRAFT:
        raise UpgradeError(
            "Kafka %s is older than 3.3, from where Kafka 4 takes clusters; upgrade to 3.9.2 first." % start
        )
    if level is None or level < PRODUCTION_LEVEL:
        raise UpgradeError(
            "The cluster's metadata.version is %s, but Kafka %s needs at least %d, which is 3.3-IV3; finalise the upgrade to %s first."
            % ("unknown" if level is None else level, target, PRODUCTION_LEVEL, start)
        )


def merge(records: Iterable[Record | None]) -> Record | None:
    """The one record that several brokers' copies make: the newest upgrade, and its most advanced state, as a run may have died while it wrote."""
    known = [dict(each) for each in records if each]
    if not known:
        return None
    newest = max(str(each["began"]) for each in known)
    same = [each for each in known if each["began"] == newest]
    out = same[0]
    for state in ("rolled", "finalizing", "finalized"):
        out[state] = min((each[state] for each in same if each.get(state)), default=None)
    return out


def pin(records: Iterable[Record | None], version: str) -> str | None:
    """The inter.broker.protocol.version that brokers of this version are held at, None where they may speak their own."""
    record = merge(records)
    if (
        record is None
        or record["metadata"] != ZOOKEEPER
        or record["finalizing"]
        or record["finalized"]
        or not record["protocol"]
    ):
        return None
    return None if series(record["protocol"]) == series(version) else str(record["protocol"])


def decide(
    asked: str,
    nodes: Sequence[Mapping[str, Any]],
    records: Iterable[Record | None],
    told: Mapping[str, Any] | None,
    *,
    now: float,
) -> Decision:
    """What to do for everybody to run the version that is asked for; raises UpgradeError.

    nodes: {name, id, kind, version, protocol}, version as kafka_service_info says it, protocol as the user sets it for this node, if at all;
    told: as kafka_version_info returns it, None when no broker runs.
    """
    wanted = numbers(asked)
    running = _running(nodes)
    record = merge(records)
    current = record if record and not record["finalized"] and set(running) <= {record["from"], record["to"]} else None
    metadata = _metadata(nodes)
    _agree(nodes, told)
    others = sorted(set(running) - {asked}, key=numbers)
    if len(others) > 1:
        raise UpgradeError(
            "The cluster runs %s, and %s would be one version more; set kafka_version to one of them, and get everybody there first."
            % (
                " and ".join(
                    "Kafka %s on %s" % (version, _few(running[version])) for version in sorted(running, key=numbers)
                ),
                asked,
            )
        )
    if current and current["finalizing"] and (others or current["to"] != asked):
        raise UpgradeError(
            "The upgrade from %s to %s is being finalised since %s; run finalize_upgrade to its end first."
            % (current["from"], current["to"], current["finalizing"])
        )
    if not others:
        return _nobody(asked, current, now)
    start = others[0]
    if wanted < numbers(start):
        _may_return(asked, start, record, told)
        way = "back"
    else:
        supported(start, asked, metadata=metadata, level=_level(told, current))
        way = "up"
    if current and current["to"] == asked and current["from"] == start:
        made: Record = current
    else:
        made = _begin(start, asked, metadata, current, told, now)
    _held(nodes, made["protocol"])
    return Decision(way, start, asked, len(running) > 1, made, _lines(way, start, asked, running, made))


def _running(nodes: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """{version: names of nodes}."""
    out: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("version"):
            raise UpgradeError(
                "Host %s has no Kafka yet; run site with the version that the others run first." % node["name"]
            )
        out.setdefault(str(node["version"]), []).append(str(node["name"]))
    return out


def _metadata(nodes: Sequence[Mapping[str, Any]]) -> str:
    return ZOOKEEPER if any(node["kind"] == "zookeeper" for node in nodes) else KRAFT


def _few(names: Sequence[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (" and %d more" % (len(ordered) - 3) if len(ordered) > 3 else "")


def _agree(nodes: Sequence[Mapping[str, Any]], told: Mapping[str, Any] | None) -> None:
    """Raise UpgradeError when a broker answers as another series than its host says, which means that it runs something unknown."""
    hosts = {int(node["id"]): node for node in nodes if node["kind"] == "broker"}
    for broker in (told or {}).get("brokers") or []:
        host = hosts.get(int(broker["id"]))
        if host is None or not broker.get("series"):
            continue
        known, answers = series(host["version"]), (int(broker["series"][0]), int(broker["series"][1]))
        # What is newer than the client library looks like the newest that it knows.
        if answers != known and not (broker.get("newest_known") and answers < known):
            raise UpgradeError(
                "Broker %s answers as Kafka %d.%d, but %s would start %s; look at what runs there, and restart it."
                % (broker["id"], answers[0], answers[1], host["name"], host["version"])
            )


def _level(told: Mapping[str, Any] | None, record: Record | None) -> int | None:
    if told is not None:
        return (told["features"].get(METADATA_VERSION) or {}).get("finalized")
    return ((record or {}).get("features") or {}).get(METADATA_VERSION)


def _finalized(told: Mapping[str, Any]) -> dict[str, int]:
    return {
        name: int(each["finalized"]) for name, each in told["features"].items() if each.get("finalized") is not None
    }


def _protocol(told: Mapping[str, Any]) -> str:
    """The oldest protocol that a broker speaks."""
    spoken = [str(broker["protocol"]) for broker in told["brokers"] if broker.get("protocol")]
    if not spoken:
        raise UpgradeError("No broker says which inter.broker.protocol.version it speaks; look at the brokers.")
    return short(min(spoken, key=series))


def _begin(
    start: str, target: str, metadata: str, current: Record | None, told: Mapping[str, Any] | None, now: float
) -> Record:
    """A new record; what an upgrade that was not finalised has found before it stays the way back."""
    if current is None and told is None:
        raise UpgradeError(
            "No broker answers, so that nobody knows what the cluster has agreed on; start the brokers with %s first."
            % start
        )
    if current is not None:
        protocol, features = current["protocol"], current["features"]
    else:
        protocol, features = (_protocol(told), {}) if metadata == ZOOKEEPER else (None, _finalized(told))  # type: ignore[arg-type]
    return {
        "from": start,
        "to": target,
        "metadata": metadata,
        "protocol": protocol,
        "features": features,
        "began": text(now),
        "rolled": None,
        "finalizing": None,
        "finalized": None,
    }


def _nobody(asked: str, current: Record | None, now: float) -> Decision:
    """Everybody runs what is asked for: nothing to move, and an upgrade that was taken up and not begun is turned round."""
    record = current
    if current and current["to"] != asked:
        record = dict(current, **{"from": current["to"], "to": asked, "began": text(now), "rolled": None})
    return Decision("none", asked, asked, False, record, ["Everybody runs Kafka %s." % asked])


def _held(nodes: Sequence[Mapping[str, Any]], protocol: str | None) -> None:
    """Raise UpgradeError when the inventory asks for another protocol than this: one that is newer would finalise in the roll, an older one never."""
    for node in nodes:
        own = node.get("protocol")
        if own and protocol and series(own) != series(protocol):
            raise UpgradeError(
                "broker_config of %s sets inter.broker.protocol.version to %s, but %s is what all brokers must speak now; "
                "remove it from broker_config, as rolling_upgrade keeps it and finalize_upgrade raises it."
                % (node["name"], own, protocol)
            )


def _may_return(asked: str, start: str, record: Record | None, told: Mapping[str, Any] | None) -> None:
    """Raise UpgradeError unless the way back from start to asked is open."""
    if record is None or asked not in (record["from"], record["to"]) or start not in (record["from"], record["to"]):
        raise UpgradeError(
            "Kafka %s is older than %s, which runs, and the brokers have no record of coming from there; Kafka supports no downgrade but that "
            "to the version before, so set kafka_version to %s or later." % (asked, start, start)
        )
    since = record["finalized"] or record["finalizing"]
    if since:
        raise UpgradeError(
            "The upgrade to Kafka %s was finalised on %s, so there is no way back to %s; set kafka_version to %s."
            % (start, since, asked, start)
        )
    for broker in (told or {}).get("brokers") or []:
        if record["protocol"] and broker.get("protocol") and series(broker["protocol"]) > series(record["protocol"]):
            raise UpgradeError(
                "Broker %s speaks inter.broker.protocol.version %s, above the %s of before, so there is no way back to %s; set kafka_version to %s."
                % (broker["id"], broker["protocol"], record["protocol"], asked, start)
            )
    for name, level in _finalized(told).items() if told else ():
        before = (record["features"] or {}).get(name, 0)
        if record["metadata"] == KRAFT and level > before:
            raise UpgradeError(
                "%s was raised from %d to %d since the upgrade began, so there is no way back to %s; set kafka_version to %s."
                % (name, before, level, asked, start)
            )


def _lines(way: str, start: str, target: str, running: Mapping[str, Sequence[str]], record: Record) -> list[str]:
    """For a person, before anything moves."""
    first = (
        "From Kafka %s to %s." % (start, target)
        if way == "up"
        else "Back from Kafka %s to %s, which is possible because nothing was finalised." % (start, target)
    )
    out = [first]
    if len(running) > 1:
        out.append(
            "An earlier run was broken off: %s."
            % ", ".join("%d on %s" % (len(running[version]), version) for version in sorted(running, key=numbers))
        )
    if way == "up" and record["metadata"] == ZOOKEEPER and series(record["protocol"]) != series(target):
        out.append(
            "The brokers keep speaking inter.broker.protocol.version %s, so the way back stays open."
            % record["protocol"]
        )
    elif way == "up" and record["metadata"] == KRAFT:
        out.append(
            "The features stay at their levels (metadata.version %s), so the way back stays open."
            % (record["features"] or {}).get(METADATA_VERSION, "?")
        )
    return out


def rolled(record: Record | None, nodes: Sequence[Mapping[str, Any]], *, now: float) -> Record | None:
    """The record after a roll: with the time since when everybody runs the new version; as it was while somebody does not.

    version is what is in place, which a process that started before it does not run: restart_needed tells.
    """
    if record is None or record["rolled"]:
        return record
    if any(
        node["version"] != record["to"] or node.get("state") != "active" or node.get("restart_needed") for node in nodes
    ):
        return record
    return dict(record, rolled=text(now))


def finalization(
    asked: str,
    nodes: Sequence[Mapping[str, Any]],
    records: Iterable[Record | None],
    told: Mapping[str, Any],
    levels: Mapping[str, int],
    *,
    soak_seconds: int,
    now: float,
) -> Finalization:
    """What is left to finalise; levels are those of the release that runs, by feature. Raises UpgradeError when it is too early, or not clear.

    A soak of 0 seconds finalises also what no record tells of.
    """
    record = merge(records)
    metadata = _metadata(nodes)
    strangers = [node for node in nodes if node["version"] != asked or node.get("state") != "active"]
    if strangers:
        node = strangers[0]
        what = (
            "would start Kafka %s" % (node["version"] or "nothing")
            if node["version"] != asked
            else "does not run (%s)" % node.get("state")
        )
        raise UpgradeError(
            "Host %s %s, but everybody must run %s before that is finalised; run rolling_upgrade first."
            % (node["name"], what, asked)
        )
    _agree(nodes, told)
    missing = sorted(
        {int(node["id"]) for node in nodes if node["kind"] == "broker"}
        - {int(broker["id"]) for broker in told["brokers"]}
    )
    if missing:
        raise UpgradeError(
            "Broker %s does not answer, so that nobody knows what it can do; bring it back first."
            % ", ".join(map(str, missing))
        )
    protocol, features = None, {}
    if metadata == ZOOKEEPER:
        protocol = short(asked) if series(_protocol(told)) != series(asked) else None
        _held(nodes, protocol)
    else:
        features = _to_raise(told, levels)
    needed = bool(protocol or features)
    current = record if record and record["to"] == asked and not record["finalized"] else None
    if current is None and not needed:
        return Finalization(False, False, asked, record, None, {}, ["Everything is finalised at Kafka %s." % asked])
    if current is None or not current["finalizing"]:
        _soaked(asked, current, soak_seconds, now)
    made = None
    if current:
        made = dict(current, finalizing=current["finalizing"] or text(now), finalized=None if needed else text(now))
    lines = [
        "To be finalised at Kafka %s, after which there is no way back%s:"
        % (asked, " to " + current["from"] if current else "")
    ]
    if not needed:
        lines.append("nothing changes in Kafka itself")
    if protocol:
        lines.append(
            "inter.broker.protocol.version from %s to %s, with one more roll of the brokers"
            % (_protocol(told), protocol)
        )
    before = _finalized(told)
    lines += ["%s from %d to %d" % (name, before.get(name, 0), level) for name, level in features.items()]
    return Finalization(needed, True, asked, made, protocol, features, lines)


def _to_raise(told: Mapping[str, Any], levels: Mapping[str, int]) -> dict[str, int]:
    """The features whose finalised level is below the release's; raises UpgradeError for one that a broker does not know."""
    before = _finalized(told)
    out = {}
    for name, level in sorted(levels.items()):
        if name in OWN_CHOICE or before.get(name, 0) >= level:
            continue
        for broker in told["brokers"]:
            known = (broker.get("supported") or {}).get(name) or [0, 0]
            if known[1] < level:
                raise UpgradeError(
                    "Broker %s knows %s only up to %d, not %d; run rolling_upgrade first."
                    % (broker["id"], name, known[1], level)
                )
        out[name] = int(level)
    return out


def _soaked(asked: str, record: Record | None, soak_seconds: int, now: float) -> None:
    """Raise UpgradeError unless everybody has run the version for long enough."""
    if soak_seconds <= 0:
        return
    if record is None:
        raise UpgradeError(
            "The brokers have no record of an upgrade to Kafka %s, so that nobody knows how long it runs; set upgrade_soak_seconds to 0 to finalise it now."
            % asked
        )
    if not record["rolled"]:
        raise UpgradeError(
            "The roll to Kafka %s has not been proven to have ended; run rolling_upgrade again first." % asked
        )
    left = moment(record["rolled"]) + soak_seconds - now
    if left > 0:
        raise UpgradeError(
            "Everybody runs Kafka %s since %s, and it shall soak for %d s before there is no way back; wait %d s more, or lower upgrade_soak_seconds."
            % (asked, record["rolled"], soak_seconds, round(left) or 1)
        )


def dropped(before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]]) -> list[str]:
    """What clients may send today and will not be answered any more: by key of the API [name, oldest, newest], as "Fetch below 4"."""
    out = []
    for key in sorted(before, key=int):
        if int(key) in BETWEEN_BROKERS:
            continue
        name, oldest = before[key][0], int(before[key][1])
        if key not in after:
            out.append("%s at all" % name)
        elif int(after[key][1]) > oldest:
            out.append("%s below %d" % (name, int(after[key][1])))
    return out


def warnings(start: str, target: str, lost: Sequence[str], members: Sequence[Mapping[str, Any]]) -> list[str]:
    """For a person: which requests the new brokers do not answer, and which connected consumers may be old enough to send them.

    members: {group, client_id, host, subscription}, where a subscription of version 0 is what Java clients before 2.4 write, and some other libraries.
    """
    if not lost:
        return []
    listed = ", ".join(lost[:SHOWN]) + (" and %d more" % (len(lost) - SHOWN) if len(lost) > SHOWN else "")
    out = [
        "Kafka %s does not answer requests that %s answers: %s. Clients that send no newer ones cannot talk to it."
        % (target, start, listed)
    ]
    old = sorted(
        {
            "%s at %s (group %s)" % (each["client_id"] or "without a client id", each["host"], each["group"])
            for each in members
            if each["subscription"] == 0
        }
    )
    if old:
        out.append(
            "These members of consumer groups may be such clients, as they subscribe the way that Java clients before 2.4 do; look at them first: %s."
            % (", ".join(old[:SHOWN]) + (" and %d more" % (len(old) - SHOWN) if len(old) > SHOWN else ""))
        )
    return out


def text(now: float) -> str:
    """Epoch seconds as a record has them."""
    return datetime.fromtimestamp(int(now), timezone.utc).strftime(FORMAT)


def moment(written: str) -> float:
    """Epoch seconds of a time in a record; raises UpgradeError."""
    try:
        return datetime.strptime(written, FORMAT).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise UpgradeError(
            "The record of the upgrade has the time %s, which is none; look at it on the brokers." % written
        ) from None
