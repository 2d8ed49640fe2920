"""erase_stores, revoke and grant under Ansible itself, with three brokers that are only names: what is asked before what, and what happens when the answer
is no. Whatever would speak to a host, to Kafka or to AWS is replaced by an action plugin that writes a line and does what the case says.
"""

from __future__ import annotations

import json
import os

import pytest
import yaml
from stand_ins import ROOT, groups, hosts, one_line, plugins

from ansible_collections.rackaware.kafka.plugins.module_utils._stores import stores

OURS = (
    "kafka_service_info",
    "kafka_roll_lock",
    "kafka_roll_gate",
    "kafka_roll_service",
    "kafka_out_of_service",
    "encrypted_store",
    "instance_store_info",
    "luks_volume",
    "luks_header_backup",
    "kms_data_key",
)
AWS = ("aws_caller_info", "iam_policy_info", "iam_policy")


@pytest.fixture(scope="module")
def files():
    other = "../../amazon/aws/plugins/"
    modules = {"%smodules/%s.py" % (other, name): "" for name in AWS}
    return {**plugins("operation", OURS), **plugins("operation", AWS, other + "action"), **modules}


@pytest.fixture
def run(project, tmp_path):
    """Returns run(playbook, case, **extra), which gives the code, what was said on one line, and the log."""

    def call(playbook, case=None, nodes=(3,), **extra):
        brokers = hosts(("b1", "b2", "b3"), kafka_cluster="demo", kafka_data_volumes=["/dev/mapper/kafka-d0"])
        zookeepers = hosts(("z1", "z2", "z3"), kafka_cluster="demo")
        for name, values in {**brokers, **zookeepers}.items():
            values["ansible_host"] = "198.51.100.%s" % name.replace("b", "").replace("z", "2")
        for name, values in zookeepers.items():
            values["kafka_data_volumes"] = ["vol-0000000" + name[1:]]
        (tmp_path / "bin").mkdir(exist_ok=True)
        # What the unlocker says when its key is gone or denied.
        (tmp_path / "bin/systemd-run").write_text("#!/bin/sh\necho 'locked: NoSuchKey AccessDenied' >&2\nexit 1\n")
        (tmp_path / "bin/systemd-run").chmod(0o755)
        more = {
            "kafka_selected_nodes": list(nodes),
            "kafka_instance_source": "facts",
            "kafka_report_dir": str(tmp_path),
            **extra,
        }
        code, said = project.run(
            playbook + ".yml",
            "-e",
            json.dumps(more),
            inventory=groups(brokers=brokers, zookeepers=zookeepers),
            case=case or {},
            PATH="%s:%s" % (tmp_path / "bin", os.environ["PATH"]),
            AWS_REGION="eu-west-1",
            ANSIBLE_FORKS=os.environ.get("OPERATION_FORKS", "5"),
        )
        aside = ("kafka_service_info", "aws_caller", "iam_policy_info")
        return code, one_line(said), [line for line in project.called() if not line.startswith(aside)]

    return call


RELEASED = "kafka_roll_lock released on localhost"
ERASE = {"playbook": "erase_stores", "kafka_confirm": "erase-b3"}
ASK = "kafka_roll_gate destroy [3] "


def test_an_erasure_asks_before_the_stop_and_again_before_what_cannot_be_undone(run, tmp_path):
    code, said, log = run(**ERASE)
    assert code == 0, said
    assert log == [
        "kafka_roll_lock on localhost",
        ASK + "renews on localhost",
        ASK + "renews on b3",
        "kafka_roll_service stopped on b3 bound to 2002.0",
        ASK + "stopped renews on b3",
        "encrypted_store closed on b3 bound to 2003.0",
        "instance_store_info on b3",
        "kafka_roll_lock renewed on localhost",
        "kms_data_key absent on localhost",
        "kafka_roll_lock released on localhost",
    ]
    events = [json.loads(line) for line in (tmp_path / "demo-erase.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["erase_started", "erase_ended"] and events[0]["loss"][
        "last_copies"
    ] == 2


@pytest.mark.parametrize(
    ("playbook", "given", "sentence"),
    [
        ("revoke", {"urgent": True}, "The variable urgent has a new name; write kafka_revoke_urgent instead."),
        (
            "erase_stores",
            {"kafka_confrim": "erase-b3"},
            "The variable kafka_confrim is unknown; did you mean kafka_confirm?",
        ),
        ("unlock_log", {"hours": 3}, "The variable hours has a new name; write kafka_unlock_log_hours instead."),
        (
            "measure_dm_crypt",
            {"measure_hosts": "b1"},
            "measure_hosts has a new name; write kafka_measure_hosts instead.",
        ),
        ("measure_dm_crypt", {"kafka_measure_seconds": "long"}, "kafka_measure_seconds"),
    ],
)
def test_an_input_that_is_old_misspelled_or_of_a_wrong_type_is_refused_before_anything_happens(
    run, playbook, given, sentence
):
    code, said, log = run(playbook, **given)
    assert code != 0 and sentence in said and log == [], said


def test_the_last_copy_is_not_erased_and_the_sentence_says_how_it_could_be(run):
    code, said, log = run(**ERASE, case={"no": [1]})
    assert (
        code != 0
        and "The last copy of 2 partitions." in said
        and "accept_loss" in said
        and '"last_copies": 2' in said.replace("\\", "")
    ), said
    assert log == ["kafka_roll_lock on localhost", ASK + "renews on localhost", "kafka_roll_lock released on localhost"]


def test_another_replica_drops_out_after_the_stop_and_the_broker_is_started_again(run):
    code, said, log = run(**ERASE, case={"no": [3]})
    assert code != 0 and "Nothing was erased, and the broker was started again." in said, said
    assert log[3:] == [
        "kafka_roll_service stopped on b3 bound to 2002.0",
        ASK + "stopped renews on b3",
        "kafka_roll_service started on b3",
        "kafka_roll_lock released on localhost",
    ]


def test_a_host_that_is_lost_in_the_middle_ends_the_erasure_with_its_keys_kept(run):
    code, said, log = run(**ERASE, case={"unreachable": ["kafka_roll_service stopped on b3"]})
    assert code != 0 and not [line for line in log if line.startswith("kms_data_key")], said
    assert "erase_stores stopped at b3 was lost in the middle; look at the host." in said and log[-1] == RELEASED


def test_a_host_that_is_lost_keeps_the_next_from_being_erased(run):
    case = {"unreachable": ["instance_store_info on b2"]}
    code, said, log = run("erase_stores", case, nodes=(2, 3), kafka_confirm="erase-b2,b3")
    assert code != 0 and "b2 was lost in the middle" in said and log[-2:] == ["instance_store_info on b2", RELEASED], (
        said
    )


@pytest.mark.parametrize(("disks", "became"), [(True, "erased"), (False, "no disk found")])
def test_what_became_of_each_store_is_said_and_written_down(run, tmp_path, disks, became):
    (store,) = stores.keys(
        {"b3": {"kafka_node_id": 3, "kafka_cluster": "demo", "kafka_data_volumes": ["/dev/mapper/kafka-d0"]}}, ["b3"]
    )
    found = (
        [{"device": "/dev/nvme1n1", "by_id": "", "uuid": store["uuid"], "remembered": "", "holders": []}]
        if disks
        else []
    )
    code, said, log = run(**ERASE, case={"disks": found})
    assert code == 0 and '"d0": "%s"' % became in said, said
    assert len([line for line in log if line.startswith("luks_volume erased on b3")]) == disks
    ended = json.loads((tmp_path / "demo-erase.jsonl").read_text().splitlines()[-1])
    assert ended["event"] == "erase_ended" and ended["stores"] == {"b3": {"d0": became}}


@pytest.mark.parametrize(
    ("accepted", "sentence"),
    [({"cluster": "other", "last_copies": 2}, "it must name the cluster demo"), ({"cluster": "demo"}, "last_copies")],
)
def test_a_loss_is_accepted_by_the_clusters_name_and_the_number(run, accepted, sentence):
    code, said, log = run(**ERASE, kafka_accept_loss=accepted)
    assert code != 0 and sentence in said and not [line for line in log if "stopped" in line], said


def test_an_accepted_loss_is_passed_on_and_written_down(run, tmp_path):
    code, said, log = run(**ERASE, kafka_accept_loss={"cluster": "demo", "last_copies": 2})
    assert code == 0 and log[1] == "kafka_roll_gate destroy [3] 2 renews on localhost", said
    assert json.loads((tmp_path / "demo-erase.jsonl").read_text().splitlines()[0])["accepted"] == {
        "cluster": "demo",
        "last_copies": 2,
    }


TOPOLOGY = {
    **{
        "name": "demo",
        "region": "eu-west-1",
        "vpc_cidr": "198.18.0.0/20",
        "image": "name:debian",
        "client_cidrs": ["198.18.0.0/20"],
    },
    "zones": [
        {"name": "eu-west-1" + letter, "cidr": "198.18.%d.0/24" % number} for number, letter in enumerate("abc", 1)
    ],
    "brokers": {"instance_type": "i3.large", "storage": "instance_store", "count": 3},
    "zookeepers": {"instance_type": "m6i.large", "volumes": {"type": "gp3", "size_gb": 20}, "count": 3},
}
STAY = "kafka_roll_gate stay_away [3] renews on "


def test_a_revocation_denies_records_that_the_broker_is_out_of_service_and_stops_it_on_a_fresh_answer(run):
    code, said, log = run("revoke", kafka_confirm="demo", kafka_topology=TOPOLOGY)
    assert code == 0, said
    assert log == [
        "kafka_roll_lock on localhost",
        STAY + "localhost",
        STAY + "b3",
        "iam_policy present on b3",
        "kafka_out_of_service its keys are revoked on b3",
        "kafka_roll_service stopped on b3 bound to 2002.0",
        "kafka_roll_lock renewed on b3",
        "encrypted_store closed on b3 bound to 1002.0",
        "kafka_roll_lock released on localhost",
    ]


URGENT = {"playbook": "revoke", "kafka_confirm": "demo", "kafka_revoke_urgent": True, "kafka_topology": TOPOLOGY}
DENIED, LOCK, STOPPED = (
    "iam_policy present on localhost",
    "kafka_roll_lock on localhost",
    "kafka_roll_service stopped on %s bound to 1000.0",
)


def test_an_urgent_one_denies_first_asks_nobody_and_still_has_the_lock(run):
    code, said, log = run(**URGENT, case={"no": [1, 2]})
    assert code == 0 and not [line for line in log if line.startswith("kafka_roll_gate")], said
    assert log[:2] == [DENIED, LOCK] and STOPPED % "b3" in log and log[-1] == RELEASED


@pytest.mark.parametrize("silent", ["b3", "b2", "z1"])
def test_an_urgent_one_denies_and_stops_whatever_is_silent(run, silent):
    """A host that shuts its ssh does not keep its keys, nor those of the others."""
    code, said, log = run(**URGENT, case={"unreachable": ["kafka_service_info on " + silent]}, nodes=(2, 3))
    assert log[:2] == [DENIED, LOCK] and log[-1] == RELEASED, said
    assert [host for host in ("b2", "b3") if STOPPED % host in log] == [host for host in ("b2", "b3") if host != silent]
    assert (code != 0 and "revoke stopped at %s (Refuse a host that does not answer)" % silent in said) == (
        silent != "z1"
    ), said


def test_an_urgent_one_denies_also_where_the_host_that_keeps_the_lock_is_the_silent_one(run):
    code, said, log = run(**URGENT, case={"unreachable": [LOCK]}, nodes=(1,))
    assert code != 0 and log == [DENIED, LOCK] and "cannot be reached (No route to host); bring it back." in said, said
    assert "The keys are denied, but no broker was stopped." in said


def test_an_urgent_one_goes_on_after_a_host_that_fails_or_is_lost(run):
    case = {
        "fails": ["kafka_out_of_service its keys are revoked on b1"],
        "unreachable": ["encrypted_store closed on b2"],
    }
    code, said, log = run(**URGENT, case=case, nodes=(1, 2, 3))
    assert (
        code != 0
        and "encrypted_store closed on b3" in [line.split(" bound")[0] for line in log]
        and log[-1] == RELEASED
    ), said
    assert (
        "b1 (Record that the broker is out of service): It broke on purpose." in said
        and "b2 was lost in the middle" in said
    )


@pytest.mark.parametrize("how", ["fails", "unreachable"])
def test_where_a_broker_fails_or_is_lost_the_next_is_not_denied(run, how):
    case = {how: ["encrypted_store closed on b2"]}
    code, said, log = run("revoke", case=case, nodes=(2, 3), kafka_confirm="demo", kafka_topology=TOPOLOGY)
    assert code != 0 and "revoke stopped at b2" in said and log[-1] == RELEASED, said
    assert [line for line in log if line.startswith("iam_policy")] == ["iam_policy present on b2"] and not [
        line for line in log if line.endswith("on b3")
    ]


def test_a_question_that_cannot_be_asked_because_a_host_is_lost_is_a_failure_like_any_other(run):
    case = {"unreachable": ["kafka_roll_gate stay_away [3] renews on b3"]}
    code, said, log = run("revoke", case=case, kafka_confirm="demo", kafka_topology=TOPOLOGY)
    assert (
        code != 0 and "b1 keeps the lock and asks the brokers, and cannot be reached" in said and log[-1] == RELEASED
    ), said


def test_one_that_may_not_go_is_neither_denied_nor_stopped(run):
    code, said, log = run("revoke", case={"no": [1]}, kafka_confirm="demo", kafka_topology=TOPOLOGY)
    assert code != 0 and "If it may not wait, add -e kafka_revoke_urgent=true." in said, said
    assert log == ["kafka_roll_lock on localhost", STAY + "localhost", "kafka_roll_lock released on localhost"]


def test_grant_gives_back_what_was_out_of_service(run):
    code, said, log = run("grant", kafka_confirm="demo", kafka_topology=TOPOLOGY)
    assert code == 0, said
    assert log == [
        "kafka_roll_lock on localhost",
        "iam_policy absent on localhost",
        "kafka_out_of_service absent on b3",
        "encrypted_store on b3",
        "kafka_roll_service started on b3",
        "kafka_roll_lock released on localhost",
    ]


def test_a_grant_whose_only_host_is_lost_releases_the_lock_and_says_so(run):
    code, said, log = run(
        "grant",
        case={"unreachable": ["kafka_out_of_service absent on b3"]},
        kafka_confirm="demo",
        kafka_topology=TOPOLOGY,
    )
    assert code != 0 and "grant stopped at b3 was lost in the middle" in said and log[-1] == RELEASED, said


@pytest.fixture
def downtime(run, tmp_path, monkeypatch):
    """Returns downtime(case): the plays that stop and start everybody, two at once, of a version that is staged already."""
    skipped = ("preflight.yml", "parts/stage_upgrade.yml", "parts/verify_cluster.yml", "parts/verify_upgrade.yml")
    listed = yaml.safe_load((ROOT / "playbooks/downtime_upgrade.yml").read_text())
    plays = [play for play in listed if play.get("ansible.builtin.import_playbook") not in skipped]
    staged = {"name": "Plan", "ansible.builtin.set_fact": {"upgrade_plan": {"way": "up"}}}
    text = yaml.safe_dump([{"name": "Plan", "hosts": "localhost", "gather_facts": False, "tasks": [staged]}, *plays])
    turn = "ansible.builtin.include_role:\n        name: rackaware.kafka.{{ __host_kind }}\n        rolespec_validate: false\n        tasks_from: restart\n"
    assert turn in text
    text = text.replace(turn, "rackaware.kafka.kafka_roll_service: {kind: broker, node: 1}\n").replace(
        " parts/", " %s/playbooks/parts/" % ROOT
    )
    (tmp_path / "downtime.yml").write_text(text)
    monkeypatch.setenv("OPERATION_FORKS", "2")
    return lambda case: run(str(tmp_path / "downtime"), case, kafka_confirm="demo")


def of_services(log):
    return [
        line.removeprefix("kafka_roll_service ").split(" bound")[0]
        for line in log
        if line.startswith("kafka_roll_service")
    ]


def test_a_downtime_stops_brokers_first_and_starts_them_last(downtime):
    code, said, log = downtime({})
    assert code == 0 and log[-1] == RELEASED, said
    up, down = ["started on z1", "started on z2", "started on z3"], ["stopped on b1", "stopped on b2", "stopped on b3"]
    found = of_services(log)
    assert (
        sorted(found[:3]) == down
        and sorted(found[6:9]) == up
        and sorted(found[9:]) == [each.replace("z", "b") for each in up]
    ), found


def test_a_downtime_that_loses_the_lock_stops_no_more_and_releases_it(downtime):
    code, said, log = downtime({"unreachable": ["kafka_roll_lock renewed on b1", "kafka_roll_lock renewed on b2"]})
    assert code != 0 and log[-1] == RELEASED and not of_services(log), said
    assert "downtime_upgrade stopped at" in said and "b1" in said.split("downtime_upgrade stopped at")[1], said


def test_a_downtime_that_loses_hosts_starts_all_others_again_and_fails_with_their_names(downtime):
    code, said, log = downtime(
        {"unreachable": ["kafka_roll_service stopped on b1", "kafka_roll_service stopped on b2"]}
    )
    assert code != 0 and log[-1] == RELEASED, said
    started = sorted(line for line in of_services(log) if line.startswith("started"))
    assert started == ["started on b3", "started on z1", "started on z2", "started on z3"], of_services(log)
    assert "b1" in said.split("downtime_upgrade stopped at")[1] and "b2" in said, said
