"""Files of a service: written in place, staged while it runs, promoted at its restart."""

from __future__ import annotations

import json
import os
import re
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from documented import declared, documented

from ansible_collections.rackaware.kafka.plugins.action import file_set as action
from ansible_collections.rackaware.kafka.plugins.module_utils._host import service_state, staging
from ansible_collections.rackaware.kafka.plugins.modules import file_set

RUNNING = "LoadState=loaded\nActiveState=active\nSubState=running\n"
STOPPED = "LoadState=not-found\nActiveState=inactive\nSubState=dead\n"
CRASHED = "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\n"
ME = {"owner": "root", "group": "root", "mode": "0640"}


@pytest.fixture
def systemd(monkeypatch):
    """What systemd says of the unit; a test sets answer."""

    class Systemd:
        answer = (0, STOPPED, "")

    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, argv, **more: Systemd.answer)
    return Systemd


@pytest.fixture
def place(tmp_path):
    return tmp_path / "etc"


def run(capsys, place, content, **more):
    files = more.pop("files", [{"dest": str(place / "broker.properties"), "content": content, **ME}])
    directories = [{"path": str(place), "owner": "root", "group": "root", "mode": "0750"}]
    # As the action plugin hands them over.
    packed = staging.pack({"held_by": "kafka.service", "directories": directories, "files": files, **more})
    with patch_module_args(packed), pytest.raises(SystemExit):
        file_set.main()
    return json.loads(capsys.readouterr().out)


def texts(place):
    return {path.name: path.read_text() for path in sorted(place.iterdir())} if place.is_dir() else {}


def test_a_first_run_is_predicted_then_done_then_over(capsys, systemd, place):
    expected = run(capsys, place, "a=1\n", _ansible_check_mode=True, _ansible_diff=True)
    assert expected["changed"] and texts(place) == {}
    first = run(capsys, place, "a=1\n", _ansible_diff=True)
    assert (first["changed"], first["changed_files"], first["diff"]) == (
        True,
        expected["changed_files"],
        expected["diff"],
    )
    assert texts(place) == {"broker.properties": "a=1\n"}
    assert oct(place.stat().st_mode)[-4:] == "0750"
    assert oct((place / "broker.properties").stat().st_mode)[-4:] == "0640"
    again = run(capsys, place, "a=1\n")
    assert (again["changed"], again["changed_files"], again["staged"]) == (False, [], [])


def test_what_a_running_service_has_read_stays_in_place(capsys, systemd, place):
    run(capsys, place, "a=1\n")
    systemd.answer = (0, RUNNING, "")
    change = run(capsys, place, "a=2\n")
    assert change["changed"] and change["staged"] == [str(place / "broker.properties")]
    assert texts(place) == {"broker.properties": "a=1\n", "broker.properties.staged": "a=2\n"}
    again = run(capsys, place, "a=2\n")
    assert (again["changed"], again["staged"]) == (False, change["staged"])


def test_a_change_of_mind_removes_what_was_staged(capsys, systemd, place):
    run(capsys, place, "a=1\n")
    systemd.answer = (0, RUNNING, "")
    run(capsys, place, "a=2\n")
    assert run(capsys, place, "a=1\n")["changed"]
    assert texts(place) == {"broker.properties": "a=1\n"}


@pytest.mark.parametrize("answer", [STOPPED, CRASHED], ids=["stopped", "crashing"])
def test_a_service_that_does_not_run_gets_its_files_in_place(capsys, systemd, place, answer):
    run(capsys, place, "a=1\n")
    systemd.answer = (0, RUNNING, "")
    run(capsys, place, "a=2\n")
    systemd.answer = (0, answer, "")
    assert run(capsys, place, "a=3\n")["staged"] == []
    assert texts(place) == {"broker.properties": "a=3\n"}


def test_in_its_turn_everything_goes_in_place_although_it_runs(capsys, systemd, place):
    run(capsys, place, "a=1\n")
    systemd.answer = (0, RUNNING, "")
    run(capsys, place, "a=2\n")
    assert run(capsys, place, "a=2\n", promote=True)["changed"]
    assert texts(place) == {"broker.properties": "a=2\n"}
    assert not run(capsys, place, "a=2\n", promote=True)["changed"]


def test_a_new_file_of_a_running_service_waits_too(capsys, systemd, place):
    run(capsys, place, "a=1\n")
    systemd.answer = (0, RUNNING, "")
    more = [{"dest": str(place / name), "content": "x\n", **ME} for name in ("broker.log4j2.yaml",)]
    assert run(capsys, place, "", files=more)["staged"] == [str(place / "broker.log4j2.yaml")]
    assert "broker.log4j2.yaml" not in texts(place)


def test_a_wrong_mode_is_corrected_at_once_because_no_restart_is_needed(capsys, systemd, place):
    run(capsys, place, "a=1\n")
    systemd.answer = (0, RUNNING, "")
    os.chmod(place / "broker.properties", 0o644)
    assert run(capsys, place, "a=1\n", _ansible_check_mode=True)["changed"]
    assert run(capsys, place, "a=1\n")["changed"]
    assert not run(capsys, place, "a=1\n")["changed"]


def test_check_mode_works_before_the_account_exists_and_a_real_run_says_what_is_missing(capsys, systemd, place):
    files = [{"dest": str(place / "x"), "content": "1", "owner": "nobody-yet", "group": "root", "mode": "0600"}]
    assert run(capsys, place, "", files=files, _ansible_check_mode=True)["changed"]
    assert "there is no such account" in run(capsys, place, "", files=files)["msg"]
    assert texts(place) == {}


def test_a_diff_shows_what_changes_and_no_secret(capsys, systemd, place):
    run(capsys, place, "a=1\nssl.key.password=old-canary\n")
    out = run(capsys, place, "a=2\nssl.key.password=new-canary\n", _ansible_diff=True)
    assert (out["diff"][0]["before"].splitlines()[0], out["diff"][0]["after"].splitlines()[0]) == ("a=1", "a=2")
    assert "canary" not in json.dumps(out["diff"])


def test_a_secret_that_alone_changes_is_seen_to_change(capsys, systemd, place):
    run(capsys, place, "a=1\nssl.key.password=old\n")
    out = run(capsys, place, "a=1\nssl.key.password=new\n", _ansible_diff=True)
    assert out["diff"][0]["before"] != out["diff"][0]["after"] and "new" not in json.dumps(out["diff"]).replace(
        "not shown", ""
    )


def test_no_text_is_in_the_result_unless_a_diff_is_asked_for(capsys, systemd, place):
    assert "canary" not in json.dumps(run(capsys, place, "a=canary\n"))


@pytest.mark.parametrize(
    "text", ["", "1\n", "a\r\nb\r\n", "no end", "a\\\n  b\\", "\u00e9\u2028\x0b\x85\n", "\ufeffa", "x\0y", "\\u0041\n"]
)
def test_a_file_is_what_was_asked_for_byte_by_byte(capsys, systemd, place, text):
    first = run(capsys, place, text, _ansible_diff=True)
    assert (place / "broker.properties").read_bytes() == text.encode() and first["changed_files"] == [
        str(place / "broker.properties")
    ]
    assert not run(capsys, place, text)["changed"]


def test_a_text_that_no_file_can_hold_is_refused_and_not_quoted(capsys, systemd, place):
    out = run(capsys, place, "password=canary\udc80")
    assert out["failed"] and "character that UTF-8 cannot hold" in out["msg"] and "canary" not in json.dumps(out)
    assert texts(place) == {}


def test_a_fault_of_our_own_quotes_nothing(capsys, systemd, place, monkeypatch):
    def breaks(path, content, wanted):
        raise KeyError(content)

    monkeypatch.setattr(staging, "write", breaks)
    out = run(capsys, place, "password=canary\n")
    assert out["failed"] and "KeyError" in out["msg"] and "canary" not in json.dumps(out)


def test_the_journal_is_told_of_the_files_and_not_of_their_texts(capsys, systemd, place, monkeypatch):
    said = []
    monkeypatch.setattr(AnsibleModule, "log", lambda self, msg, log_args=None: said.append(msg + repr(log_args)))
    run(capsys, place, "password=canary\n")
    assert (
        "broker.properties" in said[0] and "contents=NOT_LOGGING_PARAMETER" in said[0] and "canary" not in "".join(said)
    )
    assert not re.search("[A-Za-z0-9+/]{40}", said[0].replace(str(place), ""))


class TestAction:
    """What runs on the controller: it hands the texts over packed."""

    GIVEN = {"held_by": "kafka.service", "files": [{"dest": "~/x", "content": "password=canary", **ME}]}

    def act(self, args, wait=0):
        task = MagicMock(args=args, check_mode=False, async_val=wait)
        connection = MagicMock(has_native_async=False)
        plugin = action.ActionModule(
            task=task,
            connection=connection,
            play_context=MagicMock(),
            loader=None,
            templar=MagicMock(),
            shared_loader_obj=None,
        )
        plugin._execute_module = lambda **more: self.sent.append(more) or {"changed": True}
        self.sent = []
        return plugin.run(task_vars={})

    def test_the_texts_are_packed_and_everything_else_is_as_given(self):
        assert self.act(self.GIVEN)["changed"]
        (sent,) = self.sent
        assert (
            "canary" not in repr(sent)
            and sent["module_args"]["files"][0]["dest"] == "~/x"
            and sent["wrap_async"] is False
        )
        assert staging.unpack(sent["module_args"]) == [{**self.GIVEN["files"][0], "at_once": False}]

    def test_it_does_not_wait_where_the_task_does_not(self):
        self.act(self.GIVEN, wait=30)
        assert self.sent[0]["wrap_async"] is True

    @pytest.mark.parametrize(
        "wrong",
        [
            {"contents": "canary"},
            {"files": [{"dest": "/x", "content": "canary"}]},
            {"files": "canary"},
            {"file": "canary"},
        ],
    )
    def test_a_wrong_option_is_refused_here_and_not_quoted(self, wrong):
        with pytest.raises(AnsibleActionFail) as raised:
            self.act({**self.GIVEN, **wrong})
        assert "canary" not in str(raised.value) and self.sent == []


def test_the_options_are_the_documented_ones():
    assert documented(file_set) == declared(staging.MODULE_SPEC)


@pytest.mark.parametrize("mode", ["rw", "9", "17777"])
def test_a_mode_that_is_none_is_refused(mode):
    with pytest.raises(staging.FilesError, match="octal"):
        staging.owned({"dest": "/x", "owner": "root", "group": "root", "mode": mode})


def test_a_file_where_a_directory_shall_be_is_refused(capsys, systemd, place):
    place.write_text("")
    assert "is no directory" in run(capsys, place, "a=1\n")["msg"]
    assert place.read_text() == ""


def test_nothing_is_written_when_systemd_cannot_be_asked(capsys, systemd, place):
    systemd.answer = (1, "", "no bus")
    assert "systemd could not be asked" in run(capsys, place, "a=1\n")["msg"]
    assert texts(place) == {}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (RUNNING, True),
        (STOPPED, False),
        (CRASHED, False),
        ("ActiveState=deactivating\nSubState=stop-sigterm\n", True),
        ("ActiveState=failed\n", False),
    ],
)
def test_a_unit_that_is_stopping_still_runs(told, expected):
    assert service_state.runs("kafka.service", lambda argv, **more: (0, told, "")) is expected
