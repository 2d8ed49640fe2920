"""What keeps a host from running Kafka: each check sees its fault, and a good host has none."""

from __future__ import annotations

import json
import os
import pwd
import socket
import sys
import time
import urllib.error

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import volumes as disk_volumes
from ansible_collections.rackaware.kafka.plugins.module_utils._host import preflight, service_state
from ansible_collections.rackaware.kafka.plugins.module_utils._upgrade import record
from ansible_collections.rackaware.kafka.plugins.modules import host_preflight

LISTENING = "   0: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %s 1\n"
CONNECTED = "   1: 0100007F:%04X 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 %s 1\n"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def proc(tmp_path):
    """A /proc: systemd may raise limits, java of kafka.service listens on 9092, sshd on 22."""
    texts = {
        "sys/fs/nr_open": "1048576\n",
        "1/status": "Name:\tsystemd\nCapEff:\t000001ffffffffff\n",
        "1/limits": "Limit            Soft Limit    Hard Limit    Units\nMax open files   1024          20000         files\n",
        "net/tcp": HEAD + LISTENING % (22, "100") + CONNECTED % (9091, "300"),
        "net/tcp6": HEAD + LISTENING % (9092, "200"),
        "41/comm": "sshd\n",
        "41/cgroup": "0::/system.slice/ssh.service\n",
        "42/comm": "java\n",
        "42/cgroup": "0::/system.slice/kafka.service\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for pid, inode in ((41, 100), (42, 200)):
        (tmp_path / str(pid) / "fd").mkdir()
        os.symlink("socket:[%d]" % inode, tmp_path / str(pid) / "fd" / "3")
    return tmp_path


def test_a_port_of_our_own_service_is_free_for_it(proc):
    assert preflight.port_findings([9091, 9092, 9093], proc=str(proc)) == []


def test_a_port_of_a_foreign_process_is_named_with_its_holder(proc):
    (said,) = preflight.port_findings([22, 9092], proc=str(proc))
    assert said == "Port 22 is taken by sshd (process 41); stop that, or choose another port in kafka_listeners."


def test_a_port_whose_holder_cannot_be_seen_is_taken_too(proc):
    (proc / "41/fd/3").unlink()
    assert "Port 22 is taken by an unknown process" in preflight.port_findings([22], proc=str(proc))[0]


def test_a_real_listener_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = preflight.port_findings([port])
    assert len(found) == 1 and "process %d" % os.getpid() in found[0]


@pytest.mark.parametrize(("wanted", "fine"), [(1048576, True), (1048577, False), (None, True)])
def test_the_kernel_bounds_open_files(proc, wanted, fine):
    found = preflight.limit_findings(wanted, proc=str(proc))
    assert (found == []) is fine and all("fs.nr_open" in sentence for sentence in found)


@pytest.mark.parametrize(("wanted", "fine"), [(20000, True), (20001, False)])
def test_a_systemd_that_may_not_raise_its_own_limit_bounds_them_lower(proc, wanted, fine):
    (proc / "1/status").write_text("CapEff:\t0000003ffeffffff\n")
    found = preflight.limit_findings(wanted, proc=str(proc))
    assert (found == []) is fine and all("hard limit" in sentence for sentence in found)


@pytest.mark.parametrize(("skew", "word"), [(29, None), (-29, None), (31, "ahead of"), (-3600, "behind")])
def test_clocks_that_are_apart_are_seen(skew, word):
    found = preflight.clock_findings(1000000.0, 1000000.0 + skew)
    assert (found == []) if word is None else word in found[0]


def test_a_host_without_systemd_is_refused(tmp_path):
    assert preflight.systemd_findings(str(tmp_path)) == []
    assert "not run by systemd" in preflight.systemd_findings(str(tmp_path / "absent"))[0]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (urllib.error.HTTPError("u", 404, "Not Found", {}, None), "HTTP Error 404"),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (socket.timeout("timed out"), "does not answer in time"),
        (ValueError("unknown url type: 'x'"), "unknown url type"),
    ],
    ids=["404", "refused", "timeout", "no URL"],
)
def test_a_download_that_is_not_there_is_seen_before_anything_changes(error, sentence):
    def fetch(url):
        raise error

    assert sentence in preflight.download_findings(["https://mirror.example.com/x.tgz"], fetch)[0]


def run(capsys, monkeypatch, fetched, **params):
    monkeypatch.setattr(preflight, "systemd_findings", lambda: [])
    monkeypatch.setattr(host_preflight, "fetch", fetched.append)
    with patch_module_args(params), pytest.raises(SystemExit):
        host_preflight.main()
    return json.loads(capsys.readouterr().out)


def test_a_good_host_passes_and_what_is_installed_is_not_asked_for(capsys, monkeypatch, tmp_path):
    fetched: list[str] = []
    out = run(
        capsys,
        monkeypatch,
        fetched,
        controller_time=time.time(),
        downloads=["https://x/y.tgz"],
        downloaded=str(tmp_path),
    )
    assert (out["findings"], out["changed"], fetched) == ([], False, [])
    run(capsys, monkeypatch, fetched, downloads=["https://x/y.tgz"], downloaded=str(tmp_path / "absent"))
    assert fetched == ["https://x/y.tgz"]


def test_dpkg_and_rpm_tell_what_is_there():
    def dpkg(command, **_options):
        assert command[0] == "dpkg-query"
        return 1, "chrony installed\nxfsprogs config-files\n", "dpkg-query: no packages found matching java"

    def rpm(command, **_options):
        if command[0] == "dpkg-query":
            raise FileNotFoundError(command[0])
        return 1, "chrony installed\npackage java is not installed\n", ""

    def neither(command, **_options):
        raise FileNotFoundError(command[0])

    names = ["chrony", "xfsprogs", "java"]
    assert [preflight.installed(names, run) for run in (dpkg, rpm, neither)] == [["chrony"], ["chrony"], []]
    assert preflight.installed([], neither) == []


def test_a_python_package_counts_for_this_python_only(tmp_path):
    major, minor = sys.version_info[:2]
    for version, name in (((major, minor), "kafka_python-3.0.12"), ((major, minor + 1), "packaging-26.1")):
        (tmp_path / "lib" / ("python%d.%d" % version) / "site-packages" / (name + ".dist-info")).mkdir(parents=True)
    assert preflight.installed_in(
        str(tmp_path), ["kafka-python==3.0.12", "kafka-python==3.0.13", "packaging==26.1"]
    ) == ["kafka-python==3.0.12"]


def test_a_service_runs_only_when_it_would_come_back_and_systemd_knows_its_file():
    def systemctl(command, **_options):
        assert command[0] == "systemctl" and command[-3:] == ["a.service", "b.service", "c.service"]
        told = [("active", "no", "enabled"), ("active", "yes", "enabled"), ("inactive", "no", "")]
        return 0, "\n".join("ActiveState=%s\nNeedDaemonReload=%s\nUnitFileState=%s\n" % each for each in told), ""

    assert preflight.running(["a.service", "b.service", "c.service"], systemctl) == ["a.service"]
    assert preflight.running([], systemctl) == []


def test_what_is_installed_is_told(capsys, monkeypatch, tmp_path):
    (tmp_path / "lib" / ("python%d.%d" % sys.version_info[:2]) / "site-packages" / "x-1.dist-info").mkdir(parents=True)
    monkeypatch.setattr(preflight, "installed", lambda names, run: names[:1])
    monkeypatch.setattr(preflight, "running", lambda units, run: units)
    asked = {
        "packages": ["chrony", "java"],
        "python_packages": ["x==1"],
        "virtualenv": str(tmp_path),
        "services": ["chrony.service"],
        "service": "broker",
    }
    out = run(capsys, monkeypatch, [], **asked)
    assert (out["installed"], out["running"]) == (["chrony", "x==1"], ["chrony.service", "kafka.service"])


def test_users_that_are_there_are_told(capsys, monkeypatch):
    out = run(capsys, monkeypatch, [], users=["root", "nobody-of-this-name"])
    assert out["users"] == {"root": {"home": "/root", "shell": pwd.getpwnam("root").pw_shell}}


def test_disks_that_look_blank_are_told(capsys, monkeypatch):
    blank = [{"name": "vol-1", "size_bytes": 5}]
    monkeypatch.setattr(disk_volumes, "preview", lambda volumes, run: ([], blank))
    assert run(capsys, monkeypatch, [])["blank_volumes"] == blank


def test_everything_that_is_wrong_is_said_at_once(capsys, monkeypatch):
    monkeypatch.setattr(disk_volumes, "preview", lambda volumes, run: (["Volume vol-1 holds ext4."], []))
    out = run(capsys, monkeypatch, [], controller_time=1.0, open_files=2**40)
    assert out["failed"] and len(out["findings"]) == 3
    assert all(word in out["msg"] for word in ("clock", "kafka_open_files", "ext4"))


@pytest.mark.parametrize(
    ("text", "oldest", "found"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17, None),
        ('openjdk version "21" 2023-09-19', 17, None),
        ('openjdk version "11.0.2"', 17, "Java is 11, but this version of Kafka needs 17"),
        ('java version "1.8.0_402"', 17, "Java is 8"),
        ('java version "1.8.0_402"', 8, None),
        ("", 17, "no Java that tells its version"),
        (None, 17, "no Java that tells its version"),
    ],
    ids=["17", "newer", "older", "8", "8 is enough for 3", "nothing said", "no Java"],
)
def test_the_java_that_a_version_needs(text, oldest, found):
    def run(argv, **_):
        if text is None:
            raise FileNotFoundError("java")
        return 0, "", text

    problems = preflight.java_findings(oldest, run)
    assert problems == [] if found is None else found in problems[0]
    assert preflight.java_findings(None, run) == []


def test_whose_disks_and_process_the_host_has_is_told(capsys, monkeypatch, tmp_path):
    (tmp_path / "meta.properties").write_text("version=0\nbroker.id=3\ncluster.id=abc\n")
    monkeypatch.setattr(service_state, "state", lambda unit, run: "inactive")
    out = run(capsys, monkeypatch, [], service="broker", log_dirs=[str(tmp_path)], mounts=["/", str(tmp_path)])
    found = out["identity"]
    assert (found["directories"][0]["node_id"], found["mounted"], found["process"]) == (3, False, None)
    assert "identity" not in run(capsys, monkeypatch, [], service="broker")


def test_only_an_upgrade_changes_the_version_of_a_host(capsys, monkeypatch):
    monkeypatch.setattr(service_state, "jvm", lambda name: {"version": "3.8.1"})
    assert (
        "The host carries Kafka 3.8.1, but kafka_version is 3.9.2"
        in run(capsys, monkeypatch, [], service="broker", version="3.9.2")["msg"]
    )
    assert run(capsys, monkeypatch, [], service="broker", version="3.8.1")["findings"] == []
    monkeypatch.setattr(service_state, "jvm", lambda name: {"version": None})
    assert run(capsys, monkeypatch, [], service="broker", version="3.9.2")["findings"] == []
    assert "missing" in run(capsys, monkeypatch, [], version="3.9.2")["msg"]


def test_the_record_of_an_upgrade_is_told(capsys, monkeypatch):
    monkeypatch.setattr(record, "read", lambda: {"from": "3.8.1"})
    assert run(capsys, monkeypatch, [])["upgrade"] == {"from": "3.8.1"}
