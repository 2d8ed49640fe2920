"""A cluster whose brokers keep their data on instance stores: what provision makes, what the inventory says, and who may take keys away."""

from __future__ import annotations

import json

import boto3
import pytest

NAME = "stores"
INVENTORY = ("-i", "inventories/aws_ec2")


@pytest.fixture()
def stores(topology):
    """Three brokers on i3.large and three controllers, in a range of their own."""
    topology.update(name=NAME, vpc_cidr="198.18.16.0/20", client_cidrs=["198.18.16.0/20"])
    for number, zone in enumerate(topology["zones"], 17):
        zone["cidr"] = "198.18.%d.0/24" % number
    topology["brokers"] = {"instance_type": "i3.large", "storage": "instance_store", "count": 3}
    topology["controllers"] = dict(topology.pop("zookeepers"))
    return topology


@pytest.fixture()
def run(account, stores):
    def play(playbook, *options):
        variables = {"kafka_topology": stores, "key_custody_strict_policies": False}
        return account.play(playbook, stores, *INVENTORY, "-e", json.dumps(variables), *options, KAFKA_CLUSTER=NAME)

    return play


@pytest.fixture(scope="module")
def iam(account):
    keys = {
        "endpoint_url": account.env["AWS_ENDPOINT_URL"],
        "region_name": "eu-west-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    return boto3.client("iam", **keys)


def test_check_mode_of_the_first_run_tells_what_would_be_made(run, account):
    done = run("provision", "--check", "--limit", "localhost")
    assert done.code == 0, done.text
    assert "stores-broker-1" not in account.instances()


def test_a_node_carries_the_number_of_its_stores_and_its_role_may_unwrap(run, account, iam):
    done = run("provision", "--limit", "localhost")
    assert done.code == 0, done.text
    assert {
        name: each["tags"].get("KafkaStores") for name, each in account.instances().items() if name.startswith(NAME)
    } == {
        **{"stores-broker-%d" % number: "1" for number in (1, 2, 3)},
        **{"stores-controller-%d" % number: None for number in (101, 102, 103)},
    }
    assert iam.list_role_policies(RoleName="kafka-eu-west-1-stores-broker")["PolicyNames"] == ["stores-unlock"]
    assert iam.list_role_policies(RoleName="kafka-eu-west-1-stores-controller")["PolicyNames"] == []


def test_a_second_run_changes_nothing(run):
    done = run("provision", "--limit", "localhost")
    assert done.code == 0 and done.changed == 0, done.text


def test_the_inventory_lists_the_stores_as_data_volumes(account):
    listed = account.inventory("inventories/aws_ec2", KAFKA_CLUSTER=NAME)["_meta"]["hostvars"]
    assert listed["stores-broker-1"]["kafka_data_volumes"] == ["/dev/mapper/kafka-d0"]
    assert listed["stores-controller-101"]["kafka_data_volumes"][0].startswith("vol-")


def test_every_store_gets_a_key_of_its_own_once(run, account):
    first, second = run("key_custody"), run("key_custody")
    assert (first.code, second.code, second.changed) == (0, 0, 0), first.text + second.text
    s3 = boto3.client(
        "s3",
        endpoint_url=account.env["AWS_ENDPOINT_URL"],
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    listed = s3.list_objects_v2(Bucket="kafka-keys-123456789012-eu-west-1", Prefix=NAME + "/")["Contents"]
    assert [each["Key"] for each in listed] == ["stores/%d/LuksInternalStorageKey-d0" % number for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("playbook", "options", "sentence"),
    [
        ("revoke", {}, "No node is named; add -e"),
        ("revoke", {"kafka_selected_nodes": [101]}, "Not all of the nodes 101 are brokers with an encrypted store"),
        (
            "revoke",
            {"kafka_selected_nodes": [3]},
            "stores-broker-3 would stop, and not start again before access is granted; to confirm, add -e kafka_confirm=stores",
        ),
        (
            "erase_stores",
            {"kafka_selected_nodes": [3], "kafka_confirm": "stores"},
            "for ever, and not run again before site makes new ones; to confirm, add -e kafka_confirm=erase-stores-broker-3",
        ),
        (
            "renew_stores",
            {"kafka_selected_nodes": [2, 3], "kafka_confirm": "stores"},
            "stores-broker-2, stores-broker-3 are too many for one run",
        ),
        (
            "grant",
            {"kafka_selected_nodes": [3]},
            "stores-broker-3 would have access to their keys again; to confirm, add -e kafka_confirm=stores",
        ),
    ],
)
def test_access_is_neither_taken_nor_given_without_names_and_confirmation(run, iam, playbook, options, sentence):
    run(playbook, "-e", json.dumps(options)).refused(sentence)
    assert iam.list_role_policies(RoleName="kafka-eu-west-1-stores-broker")["PolicyNames"] == ["stores-unlock"]


def test_the_cluster_goes_away_with_its_policies(run, account, iam):
    done = run("deprovision", "-e", "kafka_confirm=stores", "-e", "instances_delete_volumes=true")
    assert done.code == 0, done.text
    assert not [name for name in account.instances() if name.startswith(NAME)]
    assert not [role for role in iam.list_roles()["Roles"] if NAME in role["RoleName"]]
