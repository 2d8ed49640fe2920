"""Which operations stop, close, destroy, move or re-key anything is found by reading every playbook with the roles that it runs: each takes the lock of
the cluster first, and asks again right before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# What a template may stand for.
TEMPLATES = {
    "{{ 'keep' if __revoke_urgent else 'redundancy' }}": ["keep", "redundancy"],
    "{{ __part_entry }}": ["look", "plan"],
    "{{ roll_node_tasks | realpath }}": [],
}
ROLES = {
    "rackaware.kafka.{{ __roll_step.kind }}": ["broker", "controller", "zookeeper"],
    "rackaware.kafka.{{ __host_kind }}": ["broker", "controller", "zookeeper"],
}
# A stop binds itself to the answer; the rest of these cannot be undone.
STOPS = {"rackaware.kafka.kafka_roll_service": ("stopped", "restarted", None)}
FOR_EVER = {
    "rackaware.kafka.luks_volume": ("erased", "closed"),
    "rackaware.kafka.luks_key": ("rotated", "absent"),
    "rackaware.kafka.luks_header_backup": ("restored", "absent"),
    "rackaware.kafka.kms_data_key": ("rotated", "absent"),
    "rackaware.kafka.kafka_features": (None,),
    "rackaware.kafka.tls_rotation": (None,),
    # It deletes topics that are declared absent or are not declared.
    "rackaware.kafka.kafka_topics": (None,),
    "amazon.aws.ec2_instance": ("absent", "stopped", "rebooted"),
    "amazon.aws.ec2_vol": ("absent",),
    "amazon.aws.iam_role": ("absent",),
    "amazon.aws.iam_instance_profile": ("absent",),
    "amazon.aws.ec2_vpc_net": ("absent",),
    "amazon.aws.ec2_vpc_subnet": ("absent",),
    "ansible.builtin.systemd_service": ("stopped", "restarted"),
    "ansible.builtin.service": ("stopped", "restarted"),
}
RENEWS = ("rackaware.kafka.kafka_roll_wait", "rackaware.kafka.kafka_roll_gate")


def read(path: Path) -> Any:
    """The plays or tasks of a file; a file of variables has none."""
    listed = yaml.safe_load(path.read_text()) or []
    return listed if isinstance(listed, list) else []


class Task(dict):
    """A task, and the play that it is in."""

    play: str = ""


def flow(path: Path) -> Iterator[Task]:
    """Every task of a playbook in the order in which it could run."""
    for number, play in enumerate(read(path)):
        if "ansible.builtin.import_playbook" in play:
            yield from flow(path.parent / play["ansible.builtin.import_playbook"])
            continue
        for task in tasks(play.get("tasks") or [], path.parent, None):
            task.play = "%s %d" % (path.name, number)
            yield task


def tasks(listed: list[dict[str, Any]], directory: Path, role: Path | None) -> Iterator[Task]:
    for each in listed:
        for key in ("block", "rescue", "always"):
            yield from tasks(each.get(key) or [], directory, role)
        for kind in ("include_tasks", "import_tasks"):
            told = each.get("ansible.builtin." + kind)
            file = told.get("file") if isinstance(told, dict) else told
            if file and file not in TEMPLATES:
                place = directory / file
                yield from tasks(read(place), place.parent, role)
        for kind in ("include_role", "import_role"):
            told = each.get("ansible.builtin." + kind)
            if told:
                for name in ROLES.get(told["name"], [told["name"].removeprefix("rackaware.kafka.")]):
                    for entry in TEMPLATES.get(told.get("tasks_from", "main"), [told.get("tasks_from", "main")]):
                        place = ROOT / "roles" / name / "tasks" / (entry + ".yml")
                        checked = (
                            (told.get("apply") or {})
                            | (each.get("ansible.builtin.include_role") or {}).get("apply", {})
                        ).get("check_mode")
                        for task in tasks(read(place), place.parent, place.parents[1]):
                            yield Task(task, check_mode=True) if checked else task
        yield Task(each)


def state_of(task: Task, module: str) -> Any:
    told = task[module]
    state = told.get("state") if isinstance(told, dict) else None
    return state


def harms(task: Task) -> str | None:
    """The module by which a task stops or destroys something. Of ours, a state that is a template may be any."""
    for module, states in {**STOPS, **FOR_EVER}.items():
        if module in task:
            state = state_of(task, module)
            if state in states or (module.startswith("rackaware") and isinstance(state, str) and "{{" in state):
                return module
    return None


def takes_lock(task: Task) -> bool:
    told = task.get("rackaware.kafka.kafka_roll_lock")
    return told is not None and told.get("state", "held") == "held" and not task.get("check_mode")


def renews(task: Task) -> bool:
    told = task.get("rackaware.kafka.kafka_roll_lock")
    return (
        takes_lock(task)
        or any(module in task for module in RENEWS)
        or (told is not None and told.get("state") == "renewed")
    )


def faults(listed: list[Task]) -> list[str]:
    """What stands against a flow of tasks, one sentence each."""
    out = []
    plays = list(dict.fromkeys(task.play for task in listed))
    for number, task in enumerate(listed):
        module = harms(task)
        if not module:
            continue
        what = "%s (%s)" % (task.get("name"), module)
        if not any(takes_lock(each) for each in listed[:number]):
            out.append("%s comes without the lock." % what)
        near = plays[max(0, plays.index(task.play) - 1) : plays.index(task.play) + 1]
        if not any(renews(each) and each.play in near for each in listed[:number]):
            out.append("%s comes without another look at the lock right before." % what)
    return out


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_whatever_stops_or_destroys_has_the_lock_and_looks_again_right_before(playbook):
    assert faults(list(flow(ROOT / "playbooks" / (playbook + ".yml")))) == []


def test_the_operations_are_found():
    found = {name for name in PLAYBOOKS if any(harms(task) for task in flow(ROOT / "playbooks" / (name + ".yml")))}
    assert found >= {
        *(
            "rolling_restart",
            "rolling_upgrade",
            "rolling_site",
            "downtime_upgrade",
            "finalize_upgrade",
            "revoke",
            "erase_stores",
            "renew_stores",
            "objects",
            "rotate_ca",
        ),
        *("rotate_keys", "backup_headers", "restore_headers", "deprovision"),
    }
    assert not found & {
        "site",
        "prove",
        "preflight",
        "sizing",
        "provision",
        "unlock_log",
        "verify_unlock",
        "key_custody",
        "grant",
    }


def as_flow(*listed: dict[str, Any]) -> list[Task]:
    made = [Task(each) for each in listed]
    for each in made:
        each.play = "one"
    return made


STOP = {"name": "Stop", "rackaware.kafka.kafka_roll_service": {"state": "stopped"}}
LOCK = {"name": "Lock", "rackaware.kafka.kafka_roll_lock": {"owner": "me"}}
GATE = {"name": "Ask", "rackaware.kafka.kafka_roll_gate": {"question": "may_stop"}}
CONTROLS = {
    "a stop without the lock": ([GATE, STOP], 1),
    "a stop with the lock after it": ([STOP, LOCK], 2),
    "a lock that is only looked at": ([{**LOCK, "check_mode": True}, GATE, STOP], 1),
    "an erasure without anything": ([{"name": "Erase", "rackaware.kafka.luks_volume": {"state": "erased"}}], 2),
    "a stop as it should be": ([LOCK, GATE, STOP], 0),
}


@pytest.mark.parametrize("title", CONTROLS)
def test_a_flow_with_a_fault_is_seen(title):
    listed, number = CONTROLS[title]
    assert len(faults(as_flow(*listed))) == number


def test_no_service_of_kafka_is_stopped_but_with_an_answer():
    """systemd's own module asks nobody; what it may stop is an encrypted store, after Kafka."""
    for path in [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]:
        for task in tasks(
            [each for each in read(path) if "hosts" not in each and "ansible.builtin.import_playbook" not in each],
            path.parent,
            None,
        ):
            for module in ("ansible.builtin.systemd_service", "ansible.builtin.service"):
                if module in task and task[module].get("state") in ("stopped", "restarted"):
                    assert task[module]["name"].startswith("kafka-luks@"), (path, task["name"])


def listed_tasks() -> Iterator[tuple[Path, Task]]:
    """Every task of every file of tasks and of every play, each once for each way to it."""
    for path in [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]:
        for each in read(path):
            for task in tasks(each.get("tasks") or [] if "hosts" in each else [each], path.parent, None):
                yield path, task


def test_no_look_at_a_host_waits_for_ever():
    """A disk that does not answer, or what a service put in the place of a file, hangs whoever reads it."""
    looks = (
        "rackaware.kafka.kafka_service_info",
        "rackaware.kafka.host_preflight",
        "rackaware.kafka.kafka_storage_info",
    )
    found = [(path.name, task) for path, task in listed_tasks() if any(module in task for module in looks)]
    assert len(found) >= 5 and not [(name, task.get("name")) for name, task in found if not task.get("timeout")]


def test_no_condition_looks_through_all_hosts():
    """Each task of a block has the block's conditions evaluated again, for each host."""
    assert not [
        (path.name, task.get("name"))
        for path, task in listed_tasks()
        if "hostvars | rackaware" in str(task.get("when"))
    ]


def test_every_question_of_the_gate_renews_the_lock():
    for path in [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]:
        text = path.read_text()
        asks = re.findall(r"question: may_stop", text)
        assert not asks or "__roll_lock" in text, path


def test_every_question_of_the_gate_knows_which_host_the_inventory_has_for_an_id():
    for path in [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]:
        text = path.read_text()
        assert "question: may_stop" not in text or "addresses:" in text, path


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_what_gives_the_lock_back_after_a_failure_is_imported_where_there_are_several_hosts(name):
    """After a failure that ends a play of several hosts Ansible runs no include any more, and the lock would stay."""
    for play in yaml.safe_load((ROOT / "playbooks" / (name + ".yml")).read_text()):
        blocks = [task for task in play.get("tasks", ()) if "always" in task]
        included = [step for block in blocks for step in block["always"] if "ansible.builtin.include_role" in step]
        assert not included or play["hosts"] == "localhost", play["name"]
