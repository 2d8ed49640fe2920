"""What a service on a host is doing: unit, version, heap, disks, and whether it needs a restart."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace as Made

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._config import units
from ansible_collections.rackaware.kafka.plugins.module_utils._host import service_state
from ansible_collections.rackaware.kafka.plugins.module_utils._upgrade import record as upgrade_record
from ansible_collections.rackaware.kafka.plugins.modules import kafka_service_info


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A service that started with one file."""
    config = tmp_path / "broker.properties"
    config.write_text("a=1\n")
    record = tmp_path / "kafka.started"
    record.write_text("%s  %s\n" % (hashlib.sha256(b"a=1\n").hexdigest(), config))
    monkeypatch.setattr(units, "started", lambda unit: str(record))
    return config


def test_nothing_changed_needs_no_restart(started):
    assert service_state.restart_needed("kafka.service") is False


def test_a_staged_change_needs_one(started):
    (started.parent / "broker.properties.staged").write_text("a=2\n")
    assert service_state.restart_needed("kafka.service") is True


def test_a_change_by_hand_needs_one(started):
    started.write_text("a=3\n")
    assert service_state.restart_needed("kafka.service") is True


def test_a_file_that_is_gone_needs_one(started):
    started.unlink()
    assert service_state.restart_needed("kafka.service") is True


def test_what_is_in_place_was_read_at_the_start_or_not(started):
    assert service_state.loaded("kafka.service", [str(started)])
    (started.parent / "broker.properties.staged").write_text("a=2\n")
    assert service_state.loaded("kafka.service", [str(started)])
    assert not service_state.loaded("kafka.service", [str(started), str(started.parent / "other")])
    started.write_text("a=3\n")
    assert not service_state.loaded("kafka.service", [str(started)])


@pytest.mark.parametrize("record", [None, ""])
def test_without_a_record_a_restart_is_needed(started, record):
    path = started.parent / "kafka.started"
    path.unlink() if record is None else path.write_text(record)
    assert service_state.restart_needed("kafka.service") is True


def test_version_and_heap_are_read_from_what_the_role_writes():
    text = units.jvm_options("broker", version="4.3.1", heap_mb=2048, flags=["-XX:+UseG1GC"])
    assert service_state.options(text) == {"heap_mb": 2048, "version": "4.3.1"}
    assert service_state.options("") == {"heap_mb": None, "version": None}


def test_what_is_not_mounted_is_no_disk(tmp_path):
    assert service_state.disks([str(tmp_path)]) == []
    found = service_state.disks(["/"])
    assert found[0]["mount"] == "/"
    assert 0 <= found[0]["used_percent"] <= 100


def run(capsys, monkeypatch, answer, **params):
    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, argv, **more: answer)
    with patch_module_args({"service": "broker", **params}), pytest.raises(SystemExit):
        kafka_service_info.main()
    return json.loads(capsys.readouterr().out)


def test_a_host_without_the_service_says_so(capsys, monkeypatch):
    out = run(capsys, monkeypatch, (0, "LoadState=not-found\nActiveState=inactive\n", ""))
    assert (out["unit_state"], out["restart_needed"], out["changed"]) == ("absent", False, False)


def test_a_service_that_runs_is_compared_with_its_record(capsys, monkeypatch, started):
    (started.parent / "broker.properties.staged").write_text("a=2\n")
    out = run(capsys, monkeypatch, (0, "LoadState=loaded\nActiveState=active\n", ""))
    assert (out["unit_state"], out["restart_needed"]) == ("active", True)


def test_a_check_that_cannot_ask_fails(capsys, monkeypatch):
    assert "systemd could not be asked" in run(capsys, monkeypatch, (1, "", "no bus"))["msg"]


class TestCrashLoop:
    """One look each second at a service whose process began at 100 s of the clock that systemd stamps with."""

    def look(self, *answers, now=105.0, seconds=90, state="active", restarts=1):
        times, left = [now], [(state, restarts), *answers]

        def run(argv, **_more):
            active, count = left.pop(0) if len(left) > 1 else left[0]
            return 0, "ActiveState=%s\nNRestarts=%d\nExecMainStartTimestampMonotonic=100000000\n" % (active, count), ""

        looping = service_state.crash_loops(
            "kafka.service", run, seconds, clock=lambda: times[-1], sleep=lambda one: times.append(times[-1] + one)
        )
        return looping, len(times) - 1

    @pytest.mark.parametrize(
        ("more", "waited"),
        [
            ({"restarts": 0}, 0),
            ({"answers": [("active", 0)]}, 1),
            ({"now": 190.0}, 0),
            ({"seconds": 0}, 0),
            ({"state": "inactive"}, 0),
            ({"state": "failed"}, 0),
            ({}, 85),
            ({"state": "activating", "restarts": 0, "answers": [("activating", 0), ("active", 1)]}, 85),
            ({"state": "activating"}, 90),
        ],
        ids=[
            "started by a person",
            "and meanwhile",
            "old",
            "not asked for",
            "does not run",
            "given up",
            "young, and it gets old",
            "about to be started",
            "never started",
        ],
    )
    def test_it_does_not_crash_again(self, more, waited):
        assert self.look(*more.pop("answers", ()), **more) == (False, waited)

    @pytest.mark.parametrize(
        "after",
        [("activating", 1), ("active", 2), ("failed", 1)],
        ids=["waits to be started", "restarted", "given up"],
    )
    def test_it_does(self, after):
        assert self.look(("active", 1), after) == (True, 2)

    def test_it_does_when_it_was_between_two_starts(self):
        assert self.look(("active", 6), ("activating", 6), state="activating", restarts=5) == (True, 2)


def test_what_is_young_is_watched_for_as_long_as_was_asked(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(service_state, "crash_loops", lambda unit, run, seconds: asked.append((unit, seconds)) or True)
    out = run(capsys, monkeypatch, (0, "LoadState=not-found\nActiveState=inactive\n", ""), watch_seconds=7)
    assert out["crash_looping"] is True and asked == [("kafka.service", 7)]


def test_the_version_that_it_would_start_with_is_the_staged_one(tmp_path, monkeypatch):
    here = tmp_path / "broker.jvm.options"
    monkeypatch.setattr(units, "service", lambda name: Made(options=str(here)))
    assert service_state.jvm("broker") == {"heap_mb": None, "version": None, "next_version": None}
    here.write_text('-Xmx512m\n-cp\n"/opt/kafka-3.8.1/libs/*"\n')
    assert service_state.jvm("broker") == {"heap_mb": 512, "version": "3.8.1", "next_version": "3.8.1"}
    (tmp_path / "broker.jvm.options.staged").write_text('-cp\n"/opt/kafka-3.9.2/libs/*"\n')
    assert service_state.jvm("broker") == {"heap_mb": 512, "version": "3.8.1", "next_version": "3.9.2"}


def test_the_minimum_that_it_would_start_with_is_the_staged_one(tmp_path, monkeypatch):
    here, staged = tmp_path / "broker.properties", tmp_path / "broker.properties.staged"
    monkeypatch.setattr(units, "service", lambda name: Made(config=str(here)))
    assert service_state.next_min_isr("broker") == 1
    here.write_text(
        "# min.insync.replicas=9\ntransaction.state.log.min.isr=3\nmin.insync.replicas=2\nnum.partitions=12\n"
    )
    assert service_state.next_min_isr("broker") == 2
    staged.write_text("num.partitions=12\nmin.insync.replicas = 3\n")
    assert service_state.next_min_isr("broker") == 3
    staged.write_text("num.partitions=12\n")
    assert service_state.next_min_isr("broker") == 1


def test_whose_disks_it_has_is_told(capsys, monkeypatch, tmp_path):
    (tmp_path / "meta.properties").write_text("version=0\nbroker.id=3\ncluster.id=abc\n")
    out = run(
        capsys,
        monkeypatch,
        (0, "LoadState=not-found\nActiveState=inactive\n", ""),
        log_dirs=[str(tmp_path), str(tmp_path / "none")],
    )
    assert [item["node_id"] for item in out["identity"]["directories"]] == [3, None]


def test_the_record_of_an_upgrade_is_told(capsys, monkeypatch):
    monkeypatch.setattr(upgrade_record, "read", lambda: {"from": "3.8.1"})
    out = run(capsys, monkeypatch, (0, "LoadState=not-found\nActiveState=inactive\n", ""))
    assert out["upgrade"] == {"from": "3.8.1"}


@pytest.mark.parametrize(
    ("state", "began", "age"), [("active", "990000000", 10.0), ("activating", "990000000", None), ("failed", "0", None)]
)
def test_how_long_a_service_has_run(state, began, age):
    out = "ActiveState=%s\nExecMainStartTimestampMonotonic=%s\n" % (state, began)
    assert service_state.age("kafka.service", lambda *_, **__: (0, out, ""), clock=lambda: 1000.0) == age
