"""The two tasks of site that ask EC2 about disks that look blank, run for two hosts against a stand-in of the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GIB = 1024**3
NEW = {"KafkaFormat": "new", "KafkaCluster": "demo"}


@pytest.fixture()
def volume(account: Any) -> Any:
    """Makes an attached volume with tags, and returns its id."""

    def make(tags: dict[str, str], snapshot: bool = False) -> str:
        image = account.ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"]
        instance = account.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
        place = {"AvailabilityZone": instance["Placement"]["AvailabilityZone"], "Size": 125}
        if snapshot:
            source = account.ec2.create_volume(**place)["VolumeId"]
            place["SnapshotId"] = account.ec2.create_snapshot(VolumeId=source)["SnapshotId"]
        told = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = account.ec2.create_volume(**place, TagSpecifications=[{"ResourceType": "volume", "Tags": told}])[
            "VolumeId"
        ]
        account.ec2.attach_volume(VolumeId=made, InstanceId=instance["InstanceId"], Device="/dev/sdf")
        return made

    return make


@pytest.fixture()
def site(account: Any, tmp_path: Path) -> Any:
    """Runs the two tasks as site has them; blank is {host: [volume]}."""
    play = next(play for play in yaml.safe_load((ROOT / "playbooks/site.yml").read_text()) if "(1/5)" in play["name"])
    ours = [task for task in play["tasks"] if "rackaware.kafka.ebs_blank_proof" in task]
    assert len(ours) == 2
    told = {
        "name": "Tell",
        "ansible.builtin.debug": {"msg": "{{ inventory_hostname }} PROVEN {{ __site_proof.proven | default([]) }} END"},
    }
    files = [str(ROOT / "playbooks" / name) for name in play["vars_files"]]
    play.update(hosts="all:!localhost", connection="local", tasks=[*ours, told], vars_files=files)
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))

    def run(blank: dict[str, list[str]], *options: str, size: int = 125 * GIB, **variables: Any) -> Any:
        hosts = {
            host: {"__kafka_host": {"blank_volumes": [{"name": each, "size_bytes": size} for each in names]}}
            for host, names in blank.items()
        }
        # What the preflight keeps there; the Region is the environment's.
        hosts = {**hosts, "localhost": {"ansible_connection": "local", "__kafka_cluster": {"region": None}}}
        (tmp_path / "hosts.json").write_text(
            json.dumps({"all": {"hosts": hosts, "vars": {"kafka_cluster": "demo", **variables}}})
        )
        return account.playbook(tmp_path / "play.yml", "-i", str(tmp_path / "hosts.json"), *options)

    return run


def tags(account: Any, volume: str) -> dict[str, str]:
    return {
        tag["Key"]: tag["Value"]
        for tag in account.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0].get("Tags", [])
    }


def test_new_volumes_of_all_hosts_lose_their_tags_in_one_task_and_every_host_knows_them(
    account: Any, volume: Any, site: Any
) -> None:
    first, second = volume(NEW), volume(NEW)
    checked = site({"b1": [first], "b2": [second]}, "--check")
    assert checked.code == 0 and tags(account, first) == NEW, checked.text
    done = site({"b1": [first], "b2": [second]})
    assert done.code == 0, done.text
    assert [done.text.count("%s PROVEN [" % host) for host in ("b1", "b2")] == [1, 1]
    assert all(done.text.count(name) >= 2 for name in (first, second)) and done.changed == 1, done.text
    assert [tags(account, each) for each in (first, second)] == [{"KafkaCluster": "demo"}] * 2
    # Whatever looks blank a second time has no proof any more.
    again = site({"b1": [first], "b2": []})
    again.refused("%s on b1 looks blank, but nothing proves" % first)
    again.refused("lacks the tag KafkaFormat=new")


def test_nothing_is_asked_when_no_host_has_a_disk_to_format(site: Any) -> None:
    done = site({"b1": [], "b2": []}, "-e", "kafka_topology={}")
    assert done.code == 0 and "b1 PROVEN [] END" in done.text and "skipping: [b1]" in done.text, done.text
    assert done.text.count("ok=1 ") == 2, "the tasks cost no host anything: %s" % done.text


def test_a_volume_of_a_snapshot_is_refused_before_any_loses_its_tag(account: Any, volume: Any, site: Any) -> None:
    good, copied = volume(NEW), volume(NEW, snapshot=True)
    site({"b1": [good], "b2": [copied]}).refused("%s on b2 looks blank" % copied)
    assert tags(account, good) == NEW


def test_a_word_for_one_disk_on_one_host_is_heard(account: Any, volume: Any, site: Any) -> None:
    bare, other = volume({"Team": "streaming"}), volume({"Team": "streaming"})
    for word in ("data_volume_read_whole", "data_volume_declared_blank"):
        done = site({"b1": [], "b2": [bare]}, **{word: [bare]})
        assert done.code == 0 and "b2 PROVEN [] END" in done.text, done.text
        site({"b1": [other], "b2": [bare]}, "-e", json.dumps({word: [bare]})).refused("%s on b1 looks blank" % other)
