# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The program that kafka.service runs before each start of a broker. These files are copied to the host.

On the log directories of the last start it ends within some 30 ms and asks no broker. Otherwise it asks other brokers
for up to WAIT_SECONDS and fails with one sentence. systemd runs it again, without a limit, so that a broker starts by
itself once others can answer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

from .. import _durable, _regular_file
from .._errors import RackawareError
from . import rule
from .rule import Answer, Directory, Record, View

if TYPE_CHECKING:
    from .._kafka.client import Admin

# The role copies this file, and what it imports, into PACKAGE.
SOURCE = "_start_guard/program.py"
PACKAGE, PROGRAM = "/usr/local/lib/kafka-start-guard/kafka_start_guard", "/usr/local/sbin/kafka-start-guard"
CONFIG, STATE = "/etc/kafka/start-guard.json", "/var/lib/kafka-admin"
NEW_CLUSTER = STATE + "/new-cluster"
# Only the question needs kafka-python: a start on known disks must not depend on this environment.
PYTHON = "/opt/kafka-admin/bin/python"
# Beside the log directory, because what lies in it decides whether kafka_storage takes it for empty.
MARK = ".%s.kafka-log-dir"
# Files of Kafka: the first comes with formatting or the first start; the second with the first start, and it stays
# (seen with 3.9.2 and 4.3.1; .lock does not stay).
META, RUN = "meta.properties", "recovery-point-offset-checkpoint"
# Longer than a ZooKeeper session (18 s), so that a broker that has just crashed needs one attempt; shorter than
# systemd's TimeoutStartSec (90 s).
WAIT_SECONDS, INTERVAL_SECONDS, REQUEST_SECONDS = 30, 1, 5
# Asking again does not undo a known loss, and each answer of a big cluster has megabytes.
LOSS_INTERVAL_SECONDS = 10
# Of hundreds of brokers only this many are asked at once, others at the next attempt.
DIALLED = 16
# A first run of site that broke off is begun again within that time.
NEW_CLUSTER_SECONDS, CONSENT_SECONDS, SKEW_SECONDS = 86400, 3600, 300
USAGE = (
    "Use: kafka-start-guard check, or kafka-start-guard accept <node id> <number of partitions, or %s>."
    % rule.UNANSWERED
)


class GuardError(RackawareError):
    """The broker must not start."""


class World(NamedTuple):
    """Where things are, and what the program does besides reading and writing files."""

    config: str = CONFIG
    state: str = STATE
    python: str = PYTHON
    wait_seconds: float = WAIT_SECONDS
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    notify: Callable[[str], None] = lambda text: notify(text)

    @property
    def record(self) -> str:
        """Which directories the last start had, on the root disk."""
        return os.path.join(self.state, "log-dirs.json")

    @property
    def new_cluster(self) -> str:
        """When site saw that no broker of the inventory had run; it does not count once a broker has run here."""
        return os.path.join(self.state, os.path.basename(NEW_CLUSTER))

    @property
    def consent(self) -> str:
        """The loss that the operator has accepted."""
        return os.path.join(self.state, "accepted-loss.json")


class Config(NamedTuple):
    """What the role says: directories are paths to volumes, servers are ids of the other brokers to addresses."""

    node: int
    directories: Mapping[str, str]
    servers: Mapping[int, str]
    connection: Mapping[str, Any]


def load(path: str) -> Config:
    """Read the configuration; raises GuardError."""
    options = _read(path)
    try:
        if options is None:
            raise ValueError
        servers = {int(id_): str(server) for id_, server in options["servers"].items()}
        return Config(int(options["node"]), dict(options["directories"]), servers, dict(options["connection"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GuardError("%s is missing or not what the role broker writes; run site." % path) from None


def look(path: str, volume: str) -> Directory:
    """One log directory as it is."""
    try:
        used = all(_exists(os.path.join(path, name)) for name in (META, RUN))
        mark = _read(_mark(path))
    except OSError:
        return Directory(path, volume, None, None)
    return Directory(path, volume, used, mark)


def _exists(path: str) -> bool:
    """As os.path.exists, but an error of the disk is no absence."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _mark(path: str) -> str:
    return os.path.join(os.path.dirname(path), MARK % os.path.basename(path))


def check(world: World) -> None:
    """Return when the broker may start, with its directories recorded; raises RackawareError when it must not."""
    config = load(world.config)
    directories = [look(*item) for item in config.directories.items()]
    record = _record(world.record)
    new_cluster = _age(_read(world.new_cluster), world.clock()) <= NEW_CLUSTER_SECONDS
    new = rule.unknown(directories, record, new_cluster=new_cluster)
    if new:
        _use(world.python)
        # A broker that answers knows more than site did.
        _wait(config, new, world, alone=new_cluster and rule.first_start_failed(directories, record))
    _remember(directories, record, world)


def _use(python: str) -> None:
    """Go on in the interpreter that has kafka-python."""
    # Not resolved: the interpreter of a virtual environment is a link to that of the system.
    if os.path.abspath(sys.executable) == os.path.abspath(python):
        return
    try:
        os.execv(python, [python, "-I", *sys.argv])
    except OSError as error:
        raise GuardError(
            "Other brokers cannot be asked, because %s does not run: %s; run site, which makes it."
            % (python, error.strerror)
        ) from None


def _wait(config: Config, new: Sequence[str], world: World, *, alone: bool) -> None:
    """Return once other brokers or the operator allow it; raises GuardError.

    alone is whether it may start where no other broker answers.
    """
    end, said = world.clock() + world.wait_seconds, ""
    while True:
        answer = ask(config)
        consent = _consent(world)
        first = alone and answer.lost == rule.UNANSWERED
        if answer.open or first or rule.accepted(consent, config.node, answer):
            what = "no broker needs what it had" if answer.open else "this was accepted: " + answer.reason
            what = "no broker of this new cluster has run" if first else what
            print("Broker %d starts although %s: %s." % (config.node, " and ".join(new), what), flush=True)
            world.notify("STATUS=")
            return
        sentence = rule.sentence(config.node, new, answer, consent)
        if sentence != said:
            world.notify("STATUS=" + sentence)
            said = sentence
        pause = LOSS_INTERVAL_SECONDS if isinstance(answer.lost, int) else INTERVAL_SECONDS
        if world.clock() + pause > end:
            raise GuardError(sentence)
        world.sleep(pause)


def ask(config: Config) -> Answer:
    """Ask other brokers once; raises GuardError where the connection is at fault, which asking again does not help."""
    from dataclasses import replace

    from .._kafka import client, connection, tls

    ids = {config.servers[id_]: id_ for id_ in _some(list(config.servers))}
    views: dict[int, View] = {}
    tried: set[int] = set()
    problem = ""
    try:
        options = {name: option.get("default") for name, option in connection.CONNECTION_SPEC.items()}
        given = {**options, "request_timeout_seconds": REQUEST_SECONDS, **config.connection}
        where = connection.connection({**given, "bootstrap_servers": list(ids)}) if ids else None
        if where is not None:
            # Its files are read, so that one that is missing is not taken for brokers that do not answer.
            where.options()
            if where.security_protocol.endswith("SSL"):
                tls.context(where)
        untried = [ids[server] for server in client.listening(list(ids))] if ids else []
        while True:
            broker = rule.next_witness(config.node, views, untried)
            if broker is None or where is None:
                return rule.answer(config.node, views, problem)
            untried.remove(broker)
            tried.add(broker)
            try:
                with client.Admin(replace(where, bootstrap_servers=(config.servers[broker],))) as admin:
                    views[broker] = view(admin, broker, config.node)
                boss = views[broker].controller
                if not views[broker].kraft and boss in config.servers and boss not in tried and boss not in untried:
                    untried.append(boss)
            except connection.LastingError:
                raise
            except RackawareError as error:
                problem = str(error)
    except connection.KafkaError as error:
        raise GuardError(
            "Other brokers cannot be asked whether broker %d may start on a new log directory: %s"
            % (config.node, error)
        ) from None


def _some(ids: Sequence[int]) -> Sequence[int]:
    if len(ids) <= DIALLED:
        return ids
    import random

    return random.sample(ids, DIALLED)


def view(admin: Admin, broker: int, node: int) -> View:
    """What one broker says about the partitions that a node holds; raises KafkaError."""
    from .._kafka import kraft, metadata

    # In KRaft mode only a broker that reaches the active controller answers this: one that is cut off is no witness.
    quorum = kraft.quorum(admin)
    old = rule.behind(quorum, broker) if quorum is not None else ""
    if old:
        raise GuardError(old)
    cluster, topics = metadata.cluster(admin, whole=True), metadata.partitions(admin)
    held = [
        {**partition, "topic": topic, "elr": []}
        for topic, partitions in topics.items()
        for partition in partitions
        if node in partition["replicas"] or node in partition["isr"] or node == partition["leader"]
    ]
    leaderless = sorted({partition["topic"] for partition in held if partition["leader"] < 0})
    eligible = metadata.eligible_leader_replicas(admin, leaderless) if quorum is not None else {}
    for partition in held:
        partition["elr"] = eligible.get((partition["topic"], partition["partition"]), [])
    alive = frozenset(member["id"] for member in cluster["brokers"] if not member["fenced"])
    return View(broker, quorum is not None, cluster["controller_id"], alive, tuple(held))


def accept(world: World, node: str, partitions: str) -> None:
    """Record the loss that the operator accepts; raises GuardError."""
    config = load(world.config)
    if node != str(config.node):
        raise GuardError("This host is broker %d, not %s; nothing was accepted." % (config.node, node))
    if partitions != rule.UNANSWERED and not partitions.isdigit():
        raise GuardError(USAGE)
    what: int | str = partitions if partitions == rule.UNANSWERED else int(partitions)
    _write(world.consent, {"node": config.node, "partitions": what, "time": int(world.clock())})
    print(
        "Broker %d starts at the next attempt, within a minute, if what is lost is then what was accepted: %s."
        % (config.node, partitions)
    )


def _consent(world: World) -> dict[str, Any] | None:
    consent = _read(world.consent)
    return consent if _age(consent, world.clock()) <= CONSENT_SECONDS else None


def _age(record: Mapping[str, Any] | None, now: float) -> float:
    """Seconds since the time that a file of ours carries, endless without one and for one from the future."""
    try:
        age = now - float((record or {})["time"])
    except (KeyError, TypeError, ValueError):
        return float("inf")
    return age if age >= -SKEW_SECONDS else float("inf")


def _record(path: str) -> Record | None:
    content = _read(path)
    if content is None:
        return None
    marks = content.get("directories")
    # A record that does not say it, or that is damaged, is of a broker that may have run.
    return Record(dict(marks) if isinstance(marks, dict) else {}, content.get("ran") is not False)


def _remember(directories: Sequence[Directory], record: Record | None, world: World) -> None:
    """Mark the directories, and record the marks.

    After a crash between the two the record lacks the new marks, and the next start asks other brokers.
    """
    ran = (record is not None and record.ran) or any(directory.used for directory in directories)
    kept = {}
    for directory in directories:
        if directory.used is None:
            kept[directory.path] = record.marks.get(directory.path, "") if record is not None else ""
            continue
        mark = directory.mark
        if not mark or mark.get("volume") != directory.volume or not mark.get("id"):
            mark = {"id": os.urandom(8).hex(), "volume": directory.volume}
            _write(_mark(directory.path), mark)
        kept[directory.path] = mark["id"]
    if Record(kept, ran) != record:
        _write(world.record, {"directories": kept, "ran": ran})
    for path in (*([world.new_cluster] if ran else []), world.consent):
        if os.path.exists(path):
            os.unlink(path)


def _read(path: str) -> dict[str, Any] | None:
    """A JSON object, None when there is none, {} for what is none; raises OSError for a disk that cannot be read."""
    try:
        content = json.loads(_regular_file.read(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError, _regular_file.NotRegularError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: str, content: Mapping[str, Any]) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    _durable.write(path, json.dumps(content) + "\n")


def notify(text: str) -> None:
    """Tell systemd; sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            # The status is not essential.
            return


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> int:
    """Check or accept; returns the exit status."""
    given, where = list(sys.argv[1:] if arguments is None else arguments), world or World()
    try:
        if given == ["check"]:
            check(where)
        elif len(given) == 3 and given[0] == "accept":
            accept(where, given[1], given[2])
        else:
            raise GuardError(USAGE)
    except RackawareError as error:
        where.notify("STATUS=%s" % error)
        print(error, file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(
            "Kafka stays down, because its log directories cannot be recorded: %s; look at the host's disks."
            " See docs/runbooks/blank_store.md." % error,
            file=sys.stderr,
            flush=True,
        )
        return 1
    return 0
