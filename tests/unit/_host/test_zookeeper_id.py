"""A ZooKeeper node's id is written once and never guessed again."""

from __future__ import annotations

import getpass
import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.modules import zookeeper_id


def run(capsys, data_dir, number=2, **more):
    with patch_module_args(dict({"id": number, "data_dir": str(data_dir)}, **more)), pytest.raises(SystemExit):
        zookeeper_id.main()
    return json.loads(capsys.readouterr().out)


def test_an_empty_place_gets_the_id_and_keeps_it(tmp_path, capsys):
    data = tmp_path / "data"
    assert run(capsys, data, user=getpass.getuser())["changed"] is True
    assert (data / "myid").read_text() == "2\n"
    assert run(capsys, data)["changed"] is False


def test_check_mode_writes_nothing(tmp_path, capsys):
    assert run(capsys, tmp_path / "data", _ansible_check_mode=True)["changed"] is True
    assert not (tmp_path / "data").exists()


def test_another_nodes_disk_is_refused_and_kept(tmp_path, capsys):
    (tmp_path / "myid").write_text("1\n")
    out = run(capsys, tmp_path)
    assert "belongs to ZooKeeper node 1, but this is node 2" in out["msg"]
    assert (tmp_path / "myid").read_text() == "1\n"


def test_data_without_an_id_is_refused(tmp_path, capsys):
    (tmp_path / "version-2").mkdir()
    assert "no myid that says whose" in run(capsys, tmp_path)["msg"]
    assert not (tmp_path / "myid").exists()


@pytest.mark.parametrize("number", [0, 256])
def test_an_id_that_zookeeper_does_not_take_is_refused(tmp_path, capsys, number):
    assert "must be 1 to 255" in run(capsys, tmp_path / "data", number)["msg"]


def test_a_place_that_does_not_exist_is_not_made_up(tmp_path, capsys):
    assert "cannot be written" in run(capsys, tmp_path / "mount" / "data")["msg"]


def test_an_unknown_user_is_a_sentence(tmp_path, capsys):
    assert "nobody-of-this-name" in run(capsys, tmp_path / "data", user="nobody-of-this-name")["msg"]
