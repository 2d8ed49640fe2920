# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether a cluster may go from one version of Kafka to another, roll back, and finalize.

Kafka's own rules, and sources:

- ZooKeeper mode ends with 3.9, and 3.9 takes any older version (docs, "Upgrading to 3.9.0 from any version 0.8.x
  through 3.8.x"). From before 2.1 there is no rollback once the protocol is raised, because the schema of the consumer
  offsets changes (note in step 5 there). So those versions are refused.
- Brokers of 4.x need KRaft, "and the software and metadata versions must be at least 3.3.x" (docs, "Upgrading Servers
  to 4.0.0 from any version 3.3.x through 3.9.x"; the same through 4.3.0). The lowest level that 4.x knows is 3.3-IV3,
  which is 7 (MetadataVersion.MINIMUM_VERSION).
- Brokers of 4.x need Java 17 (KIP-1013), and answer only clients from 2.1 on (KIP-896).
- In ZooKeeper mode the brokers of the new version speak the old inter.broker.protocol.version until all brokers run it.
  The raise needs one more roll, and ends rollback (docs, steps 1 to 4 there). In KRaft mode metadata.version and the
  other features stay as they are until they are raised (KIP-584, KIP-778), which takes no restart. "A downgrade is only
  possible if there are no metadata changes in the versions between" (docs, 4.0), and 4.0, 4.1, 4.2 and 4.3 have such
  changes. So there is one rollback: to the version before, while nothing is finalized.

A record says what is under way. It is the same file on every broker: {from, to, metadata, protocol, features, began,
rolled, finalizing, finalized}. Times are ISO 8601 in UTC or None. protocol is the one before in ZooKeeper mode,
features are {name: level} before in KRaft mode.
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
# Requests that only brokers and controllers send: in org.apache.kafka.common.protocol.ApiKeys those with clusterAction,
# and WriteTxnMarkers.
BETWEEN_BROKERS = frozenset((4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 64, 67, 70, 73, 82))
SHOWN = 6
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class UpgradeError(RackawareError):
    """The upgrade, the rollback or the finalization is not possible; the sentence says why, and ends with the page."""

    def __str__(self) -> str:
        return "%s See docs/runbooks/upgrade_and_roll_back.md." % super().__str__()


@dataclass(frozen=True)
class Decision:
    """What a run of an upgrade does.

    way is up, back, or none when all nodes run the version. record is what the brokers write down first, None for
    nothing.
    """

    way: str
    start: str
    target: str
    record: Record | None
    lines: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Finalization:
    """What is left to finalize.

    needed is whether anything changes in Kafka, closes whether rollback ends. features are {name: level} to raise.
    record is what the brokers write down before.
    """

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
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", str(version))
    if not match:
        raise UpgradeError("%s is not a version of Kafka; set kafka_version to a full one like 4.3.1." % (version,))
    return int(match.group(1)), int(match.group(2)), int(match.group(3))


def series(version: Any) -> tuple[int, int]:
    """(3, 8) of 3.8.1, and of a protocol's name like 3.8 or 3.8-IV0; raises UpgradeError."""
    match = re.match(r"(\d+)\.(\d+)(?:[.-]|$)", str(version))
    if not match:
        raise UpgradeError("%s is neither a version of Kafka nor a protocol of its brokers." % (version,))
    return int(match.group(1)), int(match.group(2))


def short(version: Any) -> str:
    """3.8 of 3.8.1, as inter.broker.protocol.version is written."""
    return "%d.%d" % series(version)


def java(version: Any) -> int:
    """The oldest Java that a broker of this version runs on."""
    return MODERN_JAVA if numbers(version)[0] >= FIRST_WITHOUT[0] else 8


def supported(start: str, target: str, *, metadata: str, level: int | None) -> None:
    """Raise UpgradeError unless Kafka supports going up from start to target.

    level is the finalized metadata.version in KRaft mode.
    """
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
                "Kafka %s is older than 2.1, from which an upgrade of Kafka has no rollback; go to 2.1 or later by hand first."
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
            "The cluster's metadata.version is %s, but Kafka %s needs at least %d, which is 3.3-IV3; finalize the upgrade to %s first."
            % ("unknown" if level is None else level, target, PRODUCTION_LEVEL, start)
        )


def merge(records: Iterable[Record | None]) -> Record | None:
    """One record from the copies of several brokers: the newest upgrade in its most advanced state.

    The copies differ when a run died while it wrote them.
    """
    known = [dict(record) for record in records if record]
    if not known:
        return None
    newest = max(str(record["began"]) for record in known)
    same = [record for record in known if record["began"] == newest]
    out = same[0]
    for state in ("rolled", "finalizing", "finalized"):
        out[state] = min((record[state] for record in same if record.get(state)), default=None)
    return out


def pin(records: Iterable[Record | None], version: str) -> str | None:
    """The inter.broker.protocol.version that brokers of this version are held at, None where they use their own."""
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
    versions: Mapping[str, Any] | None,
    *,
    now: float,
) -> Decision:
    """What to do so that all nodes run the version that is asked for; raises UpgradeError.

    nodes: {name, id, kind, version, protocol}, version as kafka_service_info says it, protocol as the user sets it for
    this node, if at all. versions: as kafka_version_info returns it, None when no broker runs.
    """
    target = numbers(asked)
    running = _running(nodes)
    record = merge(records)
    current = record if record and not record["finalized"] and set(running) <= {record["from"], record["to"]} else None
    metadata = _metadata(nodes)
    _agree(nodes, versions)
    others = sorted(set(running) - {asked}, key=numbers)
    if len(others) > 1:
        raise UpgradeError(
            "The cluster runs %s, and %s would be one version more; set kafka_version to one of them, and bring all nodes there first."
            % (
                " and ".join(
                    "Kafka %s on %s" % (version, _few(running[version])) for version in sorted(running, key=numbers)
                ),
                asked,
            )
        )
    if current and current["finalizing"] and (others or current["to"] != asked):
        raise UpgradeError(
            "The upgrade from %s to %s is being finalized since %s; run finalize_upgrade to its end first."
            % (current["from"], current["to"], current["finalizing"])
        )
    if not others:
        return _up_to_date(asked, current, now)
    start = others[0]
    if target < numbers(start):
        _may_return(asked, start, record, versions)
        way = "back"
    else:
        supported(start, asked, metadata=metadata, level=_level(versions, current))
        way = "up"
    if current and current["to"] == asked and current["from"] == start:
        written: Record = current
    else:
        written = _begin(start, asked, metadata, current, versions, now)
    _held(nodes, written["protocol"])
    return Decision(way, start, asked, written, _lines(way, start, asked, running, written))


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


def _agree(nodes: Sequence[Mapping[str, Any]], versions: Mapping[str, Any] | None) -> None:
    """Raise UpgradeError when a broker answers as another series than its host has: it runs something unknown."""
    hosts = {int(node["id"]): node for node in nodes if node["kind"] == "broker"}
    for broker in (versions or {}).get("brokers") or []:
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


def _level(versions: Mapping[str, Any] | None, record: Record | None) -> int | None:
    if versions is not None:
        return (versions["features"].get(METADATA_VERSION) or {}).get("finalized")
    return ((record or {}).get("features") or {}).get(METADATA_VERSION)


def _finalized(versions: Mapping[str, Any]) -> dict[str, int]:
    return {
        name: int(feature["finalized"])
        for name, feature in versions["features"].items()
        if feature.get("finalized") is not None
    }


def _protocol(versions: Mapping[str, Any]) -> str:
    """The oldest protocol that a broker speaks."""
    spoken = [str(broker["protocol"]) for broker in versions["brokers"] if broker.get("protocol")]
    if not spoken:
        raise UpgradeError("No broker says which inter.broker.protocol.version it speaks; look at the brokers.")
    return short(min(spoken, key=series))


def _begin(
    start: str, target: str, metadata: str, current: Record | None, versions: Mapping[str, Any] | None, now: float
) -> Record:
    """A new record; after an upgrade that was not finalized, rollback stays to what was before that one."""
    if current is None and versions is None:
        raise UpgradeError(
            "No broker answers, so it is not known what the cluster has agreed on; start the brokers with %s first."
            % start
        )
    if current is not None:
        protocol, features = current["protocol"], current["features"]
    else:
        protocol, features = (_protocol(versions), {}) if metadata == ZOOKEEPER else (None, _finalized(versions))  # type: ignore[arg-type]
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


def _up_to_date(asked: str, current: Record | None, now: float) -> Decision:
    """All nodes run what is asked for: no roll, and the record of an upgrade that no node has begun is reversed."""
    record = current
    if current and current["to"] != asked:
        record = dict(current, **{"from": current["to"], "to": asked, "began": text(now), "rolled": None})
    return Decision("none", asked, asked, record, ["All nodes run Kafka %s." % asked])


def _held(nodes: Sequence[Mapping[str, Any]], protocol: str | None) -> None:
    """Raise UpgradeError when the inventory asks for another protocol than this.

    A newer one would finalize in the roll, and an older one never would.
    """
    for node in nodes:
        own = node.get("protocol")
        if own and protocol and series(own) != series(protocol):
            raise UpgradeError(
                "broker_config of %s sets inter.broker.protocol.version to %s, but %s is what all brokers must speak now; "
                "remove it from broker_config, as rolling_upgrade keeps it and finalize_upgrade raises it."
                % (node["name"], own, protocol)
            )


def _may_return(asked: str, start: str, record: Record | None, versions: Mapping[str, Any] | None) -> None:
    """Raise UpgradeError unless a rollback from start to asked is possible."""
    if record is None or asked not in (record["from"], record["to"]) or start not in (record["from"], record["to"]):
        raise UpgradeError(
            "Kafka %s is older than %s, which runs, and the brokers have no record of coming from there; Kafka supports no downgrade but that "
            "to the version before, so set kafka_version to %s or later." % (asked, start, start)
        )
    since = record["finalized"] or record["finalizing"]
    if since:
        raise UpgradeError(
            "The upgrade to Kafka %s was finalized on %s, so there is no rollback to %s; set kafka_version to %s."
            % (start, since, asked, start)
        )
    for broker in (versions or {}).get("brokers") or []:
        if record["protocol"] and broker.get("protocol") and series(broker["protocol"]) > series(record["protocol"]):
            raise UpgradeError(
                "Broker %s speaks inter.broker.protocol.version %s, above the %s of before, so there is no rollback to %s; set kafka_version to %s."
                % (broker["id"], broker["protocol"], record["protocol"], asked, start)
            )
    for name, level in _finalized(versions).items() if versions else ():
        before = (record["features"] or {}).get(name, 0)
        if record["metadata"] == KRAFT and level > before:
            raise UpgradeError(
                "%s was raised from %d to %d since the upgrade began, so there is no rollback to %s; set kafka_version to %s."
                % (name, before, level, asked, start)
            )


def _lines(way: str, start: str, target: str, running: Mapping[str, Sequence[str]], record: Record) -> list[str]:
    """For a person, before anything moves."""
    first = (
        "From Kafka %s to %s." % (start, target)
        if way == "up"
        else "Rollback from Kafka %s to %s, which is possible because nothing was finalized." % (start, target)
    )
    out = [first]
    if len(running) > 1:
        out.append(
            "An earlier run was broken off: %s."
            % ", ".join("%d on %s" % (len(running[version]), version) for version in sorted(running, key=numbers))
        )
    if way == "up" and record["metadata"] == ZOOKEEPER and series(record["protocol"]) != series(target):
        out.append(
            "The brokers keep speaking inter.broker.protocol.version %s, so rollback stays possible."
            % record["protocol"]
        )
    elif way == "up" and record["metadata"] == KRAFT:
        out.append(
            "The features stay at their levels (metadata.version %s), so rollback stays possible."
            % (record["features"] or {}).get(METADATA_VERSION, "?")
        )
    return out


def rolled(record: Record | None, nodes: Sequence[Mapping[str, Any]], *, now: float) -> Record | None:
    """The record after a roll, with the time since when all nodes run the new version; unchanged while one does not.

    version is what is in place. A process that started before does not run it, which restart_needed tells.
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
    versions: Mapping[str, Any],
    levels: Mapping[str, int],
    *,
    soak_seconds: int,
    now: float,
) -> Finalization:
    """What is left to finalize; raises UpgradeError when it is too early, or not clear.

    levels are those of the release that runs, by feature. A soak of 0 seconds also finalizes what no record tells of.
    """
    record = merge(records)
    metadata = _metadata(nodes)
    outdated = [node for node in nodes if node["version"] != asked or node.get("state") != "active"]
    if outdated:
        node = outdated[0]
        what = (
            "would start Kafka %s" % (node["version"] or "nothing")
            if node["version"] != asked
            else "does not run (%s)" % node.get("state")
        )
        raise UpgradeError(
            "Host %s %s, but all nodes must run %s before that is finalized; run rolling_upgrade first."
            % (node["name"], what, asked)
        )
    _agree(nodes, versions)
    missing = sorted(
        {int(node["id"]) for node in nodes if node["kind"] == "broker"}
        - {int(broker["id"]) for broker in versions["brokers"]}
    )
    if missing:
        raise UpgradeError(
            "Broker %s does not answer, so it is not known what it supports; bring it back first."
            % ", ".join(map(str, missing))
        )
    protocol, features = None, {}
    if metadata == ZOOKEEPER:
        protocol = short(asked) if series(_protocol(versions)) != series(asked) else None
        _held(nodes, protocol)
    else:
        features = _to_raise(versions, levels)
    needed = bool(protocol or features)
    current = record if record and record["to"] == asked and not record["finalized"] else None
    if current is None and not needed:
        return Finalization(False, False, asked, record, None, {}, ["Everything is finalized at Kafka %s." % asked])
    if current is None or not current["finalizing"]:
        _soaked(asked, current, soak_seconds, now)
    written = None
    if current:
        written = dict(current, finalizing=current["finalizing"] or text(now), finalized=None if needed else text(now))
    lines = [
        "To be finalized at Kafka %s, after which there is no rollback%s:"
        % (asked, " to " + current["from"] if current else "")
    ]
    if not needed:
        lines.append("nothing changes in Kafka itself")
    if protocol:
        lines.append(
            "inter.broker.protocol.version from %s to %s, with one more roll of the brokers"
            % (_protocol(versions), protocol)
        )
    before = _finalized(versions)
    lines += ["%s from %d to %d" % (name, before.get(name, 0), level) for name, level in features.items()]
    return Finalization(needed, True, asked, written, protocol, features, lines)


def _to_raise(versions: Mapping[str, Any], levels: Mapping[str, int]) -> dict[str, int]:
    """The features whose finalized level is below the release's.

    Raises UpgradeError for one that a broker does not know.
    """
    before = _finalized(versions)
    out = {}
    for name, level in sorted(levels.items()):
        if name in OWN_CHOICE or before.get(name, 0) >= level:
            continue
        for broker in versions["brokers"]:
            known = (broker.get("supported") or {}).get(name) or [0, 0]
            if known[1] < level:
                raise UpgradeError(
                    "Broker %s knows %s only up to %d, not %d; run rolling_upgrade first."
                    % (broker["id"], name, known[1], level)
                )
        out[name] = int(level)
    return out


def _soaked(asked: str, record: Record | None, soak_seconds: int, now: float) -> None:
    """Raise UpgradeError unless all nodes have run the version for long enough."""
    if soak_seconds <= 0:
        return
    if record is None:
        raise UpgradeError(
            "The brokers have no record of an upgrade to Kafka %s, so it is not known how long it has run; set upgrade_soak_seconds to 0 to finalize it now."
            % asked
        )
    if not record["rolled"]:
        raise UpgradeError("The roll to Kafka %s is not known to have ended; run rolling_upgrade again first." % asked)
    left = moment(record["rolled"]) + soak_seconds - now
    if left > 0:
        raise UpgradeError(
            "All nodes run Kafka %s since %s, and it shall soak for %d s before it is finalized; wait %d s more, or lower upgrade_soak_seconds."
            % (asked, record["rolled"], soak_seconds, round(left) or 1)
        )


def dropped(before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]]) -> list[str]:
    """Requests that clients may send today and that are not answered any more, as "Fetch below 4".

    before and after are [name, oldest, newest] by the key of the API.
    """
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
    """For a person: requests that the new brokers do not answer, and connected consumers that may send them.

    members: {group, client_id, host, subscription}. A subscription of version 0 is what Java clients before 2.4 write,
    and some other libraries.
    """
    if not lost:
        return []
    requests = ", ".join(lost[:SHOWN]) + (" and %d more" % (len(lost) - SHOWN) if len(lost) > SHOWN else "")
    out = [
        "Kafka %s does not answer requests that %s answers: %s. Clients that send no newer ones cannot talk to it."
        % (target, start, requests)
    ]
    old = sorted(
        {
            "%s at %s (group %s)" % (member["client_id"] or "without a client id", member["host"], member["group"])
            for member in members
            if member["subscription"] == 0
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
