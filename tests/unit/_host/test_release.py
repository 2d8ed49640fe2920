"""What an installed release of Kafka says about itself."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._host import release as host_release
from ansible_collections.rackaware.kafka.plugins.modules import kafka_release_info

# As Protocol of 4.3.1 prints it, shortened.
PAGE = """<h5>Headers:</h5>
<pre>Request Header v1 => { request_api_key }
<h5><a name="The_Messages_Produce">Produce API (Key: 0):</a></h5>
<div><pre>Produce Request (Version: 3) => { transactional_id }
<div><pre>Produce Request (Version: 13) => { transactional_id }
<b>Responses:</b><div><pre>Produce Response (Version: 2) => [responses]
<h5><a name="The_Messages_Fetch">Fetch API (Key: 1):</a></h5>
<div><pre>Fetch Request (Version: 4) => replica_id
<h5><a name="The_Messages_Nothing">Nothing API (Key: 9):</a></h5>
"""
LEVELS = "metadata.version=30 (4.3.1)\nkraft.version=1\neligible.leader.replicas.version=1\nWARN: something=7 else\n"


@pytest.fixture
def opt(tmp_path):
    (tmp_path / "kafka-4.3.1").mkdir()
    (tmp_path / "kafka-4.3.1/.sha512").write_text("ab\n")
    return tmp_path


def release(opt, answer, asked=None, version="4.3.1"):
    def run(argv, **_):
        (asked if asked is not None else []).append(argv)
        return answer

    return host_release.Release(version, str(opt), "java", run)


def test_the_oldest_and_the_newest_version_of_each_request(opt):
    asked = []
    assert release(opt, (0, PAGE, ""), asked).apis() == {"0": ["Produce", 3, 13], "1": ["Fetch", 4, 4]}
    assert asked[0][-2:] == [str(opt / "kafka-4.3.1/libs/*"), "org.apache.kafka.common.protocol.Protocol"]


def test_the_levels_of_features(opt):
    asked = []
    found = release(opt, (0, LEVELS, ""), asked).features()
    assert found == {"metadata.version": 30, "kraft.version": 1, "eligible.leader.replicas.version": 1}
    assert asked[0][-3:] == ["version-mapping", "--release-version", "4.3.1"]


@pytest.mark.parametrize(
    ("call", "answer", "sentence"),
    [
        ("apis", (0, "", ""), "tells about no request"),
        ("features", (0, "nothing", ""), "does not list the levels of its features"),
        ("apis", (1, "", "Error: Could not find or load main class"), "Could not find or load main class"),
        ("apis", (3, "", ""), "code 3"),
    ],
)
def test_what_does_not_answer_is_one_sentence(opt, call, answer, sentence):
    with pytest.raises(host_release.ReleaseError, match=sentence):
        getattr(release(opt, answer), call)()


def test_what_is_not_installed_is_not_asked(tmp_path):
    asked = []
    with pytest.raises(host_release.ReleaseError, match="install it with the role kafka_install first"):
        release(tmp_path, (0, PAGE, ""), asked).apis()
    assert asked == []


def test_the_module_asks_for_features_only_when_told_to(opt, capsys, monkeypatch):
    def run(**more):
        monkeypatch.setattr(
            AnsibleModule, "run_command", lambda self, argv, **_: (0, LEVELS if "version-mapping" in argv else PAGE, "")
        )
        with patch_module_args({"version": "4.3.1", "directory": str(opt), **more}), pytest.raises(SystemExit):
            kafka_release_info.main()
        return json.loads(capsys.readouterr().out)

    assert run()["features"] == {} and run(features=True)["features"]["metadata.version"] == 30
    assert "install it" in run(version="4.0.2")["msg"]
