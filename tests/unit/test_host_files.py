"""Small files in directories that a service owns: root neither reads nor writes anything else than what it means."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils import _durable, _regular_file
from ansible_collections.rackaware.kafka.plugins.module_utils._config import units
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._host import myid, storage
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import format_record, unlocker
from ansible_collections.rackaware.kafka.plugins.module_utils._start_guard import program
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import stores

OTHERS = {
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to(path.parent / "root-only"),
    "a link to a pipe": lambda path: (os.mkfifo(path.parent / "pipe"), path.symlink_to("pipe")),
    "a directory": lambda path: path.mkdir(),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "a file without an end": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
}
# How each file is read: its name, and what reads it in a directory.
READERS = {
    "meta.properties": storage.read,
    "myid": myid.read,
    "marker.json": lambda home: format_record.load(home + "/marker.json"),
    "d0.json": lambda home: unlocker.load("d0", home),
}


@pytest.fixture(autouse=True)
def soon():
    """Nothing here may wait."""

    def late(*_):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 5)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "root-only").write_text("cluster.id=x\nnode.id=7\n")
    return tmp_path


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_regular_file_is_one_sentence(home, name, what):
    OTHERS[what](home / name)
    with pytest.raises(RackawareError) as refused:
        READERS[name](str(home))
    assert str(refused.value).count("\n") == 0 and name in str(refused.value)


@pytest.mark.parametrize("what", OTHERS)
def test_a_mark_that_is_no_regular_file_is_none_of_the_last_start(home, what):
    """It must not pass for a disk that fails, which is left to Kafka."""
    OTHERS[what](home / (program.MARK % "logs"))
    for name in (program.META, program.RUN):
        (home / "logs").mkdir(exist_ok=True)
        (home / "logs" / name).touch()
    found = program.look(str(home / "logs"), "vol-0")
    assert found.used is True and not found.mark


def test_what_is_read_is_the_text_and_a_missing_file_is_missing(home):
    assert _regular_file.read(str(home / "root-only")).startswith("cluster.id=x")
    with pytest.raises(FileNotFoundError):
        _regular_file.read(str(home / "none"))


def test_what_is_written_is_ours_whatever_lies_in_the_directory(home):
    """Links at the file's own name and at names that a draft could have."""
    victim, place = home / "root-only", home / "service"
    place.mkdir()
    for name in ("mark", "mark.new", ".mark.new"):
        (place / name).symlink_to(victim)
    before = (victim.read_text(), victim.stat())
    _durable.write(str(place / "mark"), "new", mode=0o640)
    assert (place / "mark").read_text() == "new" and stat.S_IMODE((place / "mark").lstat().st_mode) == 0o640
    after = victim.stat()
    assert (victim.read_text(), after.st_mode, after.st_uid, after.st_mtime_ns) == (
        before[0],
        before[1].st_mode,
        before[1].st_uid,
        before[1].st_mtime_ns,
    )
    assert sorted(os.listdir(place)) == [".mark.new", "mark", "mark.new"]


def test_nothing_is_written_through_a_directory_that_is_a_link(home):
    (home / "target").mkdir()
    (home / "service").symlink_to("target")
    with pytest.raises(OSError):
        _durable.write(str(home / "service" / "mark"), "new")
    assert os.listdir(home / "target") == []


def test_a_write_that_fails_leaves_nothing(home):
    (home / "place" / "mark").mkdir(parents=True)
    with pytest.raises(OSError):
        _durable.write(str(home / "place" / "mark"), "new")
    assert os.listdir(home / "place") == ["mark"]


def test_the_start_guard_writes_over_no_link(home):
    victim = home / "root-only"
    before = victim.read_text()
    for name in (".logs.kafka-log-dir", ".logs.kafka-log-dir.new"):
        (home / name).symlink_to(victim)
    program._write(str(home / ".logs.kafka-log-dir"), {"id": "a"})
    assert victim.read_text() == before and not (home / ".logs.kafka-log-dir").is_symlink()


class TestMyid:
    @pytest.fixture
    def user(self):
        import getpass

        return getpass.getuser()

    @pytest.mark.parametrize("name", ["myid", "myid.new"])
    def test_no_link_is_written_through(self, home, user, name):
        (home / "data").mkdir()
        (home / "data" / name).symlink_to(home / "root-only")
        before = ((home / "root-only").read_text(), (home / "root-only").stat().st_mode)
        myid.write(str(home / "data"), 2, user)
        assert ((home / "root-only").read_text(), (home / "root-only").stat().st_mode) == before
        assert (home / "data" / "myid").read_text() == "2\n" and stat.S_IMODE(
            (home / "data" / "myid").stat().st_mode
        ) == 0o640

    def test_a_data_directory_that_is_a_link_is_refused(self, home, user):
        (home / "etc").mkdir()
        (home / "data").symlink_to("etc")
        with pytest.raises(myid.MyidError, match="cannot be written"):
            myid.write(str(home / "data"), 2, user)
        assert os.listdir(home / "etc") == []


# What runs as root when a unit of a service starts.
STORES = ("/var/lib/kafka/data0", "/var/lib/kafka/data1")
HOMES = {
    "LogsDirectory": "/var/log",
    "CacheDirectory": "/var/cache",
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
}
AS_ROOT = re.compile(r"Exec\w+=[-@:|]*[+!]")


def texts():
    """The unit of each service, the broker's with the drop-in of encrypted stores."""
    out = {
        name: units.unit(name, version="4.3.1", open_files=1, writes=list(STORES), mounts=list(STORES))
        for name in units.SERVICES
    }
    given = {
        **{"libs": "/opt/kafka-4.3.1/libs", "properties": "/etc/kafka/broker.properties", "java": units.DEFAULT_JAVA},
        **{"user": "kafka", "comment": "Ansible managed"},
    }
    logs = [store + "/logs" for store in STORES]
    drop_ins = [stores.guard(logs, cluster_id=cluster_id, **given) for cluster_id in (None, units.CLUSTER_ID)]
    return {**out, "broker with stores": out["broker"] + "".join(drop_ins)}


def named_in_directories_of_the_service(text):
    """Paths in lines run as root that the service could make a link of; a mount point itself cannot be replaced."""
    options = [line.partition("=")[::2] for line in text.splitlines()]
    owned = [value for name, value in options if name == "ReadWritePaths"]
    owned += ["%s/%s" % (HOMES[name], each) for name, value in options if name in HOMES for each in value.split()]
    mounts = [value for name, value in options if name == "RequiresMountsFor"]
    found = [
        path
        for line in text.splitlines()
        if AS_ROOT.match(line)
        for path in re.findall(r"/[\w./-]+", line.partition("=")[2])
    ]
    return [path for path in found if path not in mounts and any((path + "/").startswith(home + "/") for home in owned)]


@pytest.mark.parametrize("name", sorted(texts()))
def test_no_line_of_a_unit_works_as_root_by_name_in_a_directory_of_the_service(name):
    text = texts()[name]
    assert "ReadWritePaths=" + STORES[0] in text.splitlines() and named_in_directories_of_the_service(text) == []
    programs = {AS_ROOT.sub("", line).split()[0] for line in text.splitlines() if AS_ROOT.match(line)}
    # The start guard works there itself: through handles, as tested above.
    assert programs <= {"/bin/sh", "/usr/bin/install", "/usr/local/sbin/kafka-start-guard"}


@pytest.mark.parametrize(
    "line",
    [
        "ExecStartPre=+/bin/sh -c 'exec sha256sum /etc/x > /run/kafka/kafka.started'",
        "ExecStartPre=+/usr/bin/install --directory --owner=kafka /var/lib/kafka/data0/logs",
        "ExecStopPost=-+/bin/chown kafka /var/log/kafka/x",
    ],
)
def test_the_search_sees_such_a_line(line):
    assert len(named_in_directories_of_the_service("%s%s\nRuntimeDirectory=kafka\n" % (texts()["broker"], line))) == 1
