"""Passwords of users in a stand-in of AWS: made once, read by version, refused in words; and the brokers' right to them."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secret_rotation, secrets
from ansible_collections.rackaware.kafka.plugins.module_utils._host import keytab
from ansible_collections.rackaware.kafka.plugins.modules import kerberos_keytab

# As the stand-in's metadata service says.
PLACE = "us-east-1"
SECRET = secrets.Source("secret", "kafka/demo/alice")
PARAMETER = secrets.Source("parameter", "/kafka/demo/alice")


@pytest.fixture()
def store(account, monkeypatch):
    """As a host sees both services; .secretsmanager and .ssm as their administrator does."""
    endpoint = account.env["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    made = secrets.connect()
    for name in ("secretsmanager", "ssm"):
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        setattr(made, name, boto3.client(name, endpoint_url=endpoint, region_name=PLACE, **keys))
    return made


def test_what_is_missing_is_made_once_and_read_by_its_version(store):
    assert store.read([SECRET, PARAMETER]) == {SECRET: None, PARAMETER: None}
    made = store.create({each: secrets.generated() for each in (SECRET, PARAMETER)})
    assert store.read([SECRET, PARAMETER]) == made
    kept = store.secretsmanager.get_secret_value(SecretId=SECRET.name)
    assert (kept["SecretString"], kept["VersionId"]) == (made[SECRET].text, made[SECRET].version)
    found = store.ssm.get_parameter(Name=PARAMETER.name, WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"]) == (made[PARAMETER].text, "SecureString")


@pytest.mark.parametrize("kind", ["secret", "parameter"])
def test_of_many_hosts_that_make_one_at_once_all_get_the_same(store, kind):
    where = secrets.Source(kind, "/kafka/demo/race")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.create({where: secrets.generated()})[where], range(8)))
    assert len(set(found)) == 1, "two hosts have different passwords"


def test_a_new_version_is_seen(store):
    before = store.read([SECRET, PARAMETER])
    store.secretsmanager.put_secret_value(SecretId=SECRET.name, SecretString="another")
    store.ssm.put_parameter(Name=PARAMETER.name, Value="another", Type="SecureString", Overwrite=True)
    after = store.read([SECRET, PARAMETER])
    assert {each.text for each in after.values()} == {"another"}
    assert all(before[each].version != after[each].version for each in after)


def test_a_rotation_shows_a_secret_late_and_a_parameter_at_once(store):
    rotation = secret_rotation.Rotation(store, "one")
    seen = rotation.look([SECRET, PARAMETER])
    before = {where: kept.current for where, kept in seen.items()}
    made = rotation.begin(before)
    now = store.read(before)
    assert (now[SECRET], now[PARAMETER]) == (before[SECRET], made[PARAMETER])
    assert rotation.look([SECRET])[SECRET] == secret_rotation.Kept(before[SECRET], made[SECRET])
    rotation.finish(before, made)
    assert store.read(before) == made and rotation.look([SECRET])[SECRET] == secret_rotation.Kept(made[SECRET])
    stages = store.secretsmanager.describe_secret(SecretId=SECRET.name)["VersionIdsToStages"]
    assert "AWSPREVIOUS" in stages[before[SECRET].version]
    # A second one begins with what is current.
    assert rotation.begin([SECRET])[SECRET].version not in stages


@pytest.mark.parametrize("back", ["by hand", "AWSPREVIOUS"])
@pytest.mark.parametrize("label_left", [False, True])
def test_a_password_that_was_taken_back_does_not_come_back(store, back, label_left):
    where = secrets.Source("secret", "kafka/demo/leaked-%s-%s" % (back[:2], label_left))
    first = store.create({where: secrets.generated()})[where]
    rotation, manager = secret_rotation.Rotation(store, "one"), store.secretsmanager
    leaked = rotation.begin([where])[where]
    rotation.finish({where: first}, {where: leaked})
    labels = {"SecretId": where.name}
    assert leaked.version and "AWSPENDING" not in str(manager.describe_secret(**labels)["VersionIdsToStages"])
    rotation.finish({where: leaked}, {where: leaked})
    if label_left:
        manager.update_secret_version_stage(**labels, VersionStage="AWSPENDING", MoveToVersionId=leaked.version)
    to = first.version
    if back == "by hand":
        # In two steps, because the stand-in's own way to put one leaves the label on the version that had it.
        to = manager.put_secret_value(**labels, SecretString="by-hand", VersionStages=["by-hand"])["VersionId"]
    moved = {"MoveToVersionId": to, "RemoveFromVersionId": leaked.version}
    manager.update_secret_version_stage(**labels, VersionStage="AWSCURRENT", **moved)
    kept = rotation.look([where])[where]
    assert kept.pending is None and kept.current.text != leaked.text
    again = rotation.begin([where])
    rotation.finish({where: kept.current}, again)
    assert store.read([where]) == again and again[where].text != leaked.text


def test_a_parameter_keeps_its_key_through_a_rotation(store):
    where = secrets.Source("parameter", "/kafka/demo/keyed")
    given = {"Name": where.name, "Type": "SecureString", "KeyId": "alias/mine", "Description": "of orders"}
    store.ssm.put_parameter(**given, Value="old")
    made = secret_rotation.Rotation(store, "one").begin([where])[where]
    (last,) = store.ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [where.name]}])["Parameters"]
    assert (last["KeyId"], last["Description"], last["Version"]) == ("alias/mine", "of orders", 2)
    assert store.read([where])[where] == made


def test_what_cannot_be_used_is_refused(store):
    store.secretsmanager.create_secret(Name="kafka/demo/gone", SecretString="x")
    store.secretsmanager.delete_secret(SecretId="kafka/demo/gone", RecoveryWindowInDays=7)
    with pytest.raises(
        secrets.SecretError, match="secret kafka/demo/gone in us-east-1 cannot be read: it is scheduled"
    ):
        store.read([secrets.Source("secret", "kafka/demo/gone")])
    store.ssm.put_parameter(Name="/kafka/demo/open", Value="c4n4ry", Type="String")
    with pytest.raises(secrets.SecretError, match="parameter /kafka/demo/open is a String") as caught:
        store.read([secrets.Source("parameter", "/kafka/demo/open")])
    assert "c4n4ry" not in str(caught.value)


def policy(account):
    name = "kafka-eu-west-1-demo-broker"
    if "demo-passwords" not in account.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        return None
    return account.iam.get_role_policy(RoleName=name, PolicyName="demo-passwords")["PolicyDocument"]


def test_provision_gives_brokers_the_right_only_where_it_is_asked_for(account, topology):
    run = account.play("provision", topology)
    assert run.code == 0 and policy(account) is None, run.text
    run = account.play("provision", topology, "-e", "instances_user_passwords=true")
    assert run.code == 0 and run.changed == 1, run.text
    resources = {each["Resource"] for each in policy(account)["Statement"]}
    assert resources == {
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka/demo/*",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/kafka/demo/*",
    }
    assert "PutSecretValue" not in json.dumps(policy(account))
    again = account.play("provision", topology, "-e", "instances_user_passwords=true")
    assert again.code == 0 and again.changed == 0, again.text
    run = account.play(
        "provision", topology, "-e", "instances_user_passwords=true", "-e", "instances_rotate_passwords=true"
    )
    assert run.code == 0 and run.changed == 1 and "PutSecretValue" in json.dumps(policy(account)), run.text
    listed = account.iam.list_role_policies(RoleName="kafka-eu-west-1-demo-zookeeper")["PolicyNames"]
    assert listed == []


def test_check_mode_on_an_empty_account_does_not_stumble(account, topology):
    run = account.play(
        "provision",
        {**topology, "name": "other"},
        "-e",
        "instances_user_passwords=true",
        "--check",
        KAFKA_CLUSTER="other",
    )
    assert run.code == 0, run.text


def test_deprovision_takes_the_right_away_with_the_role(account, topology):
    run = account.play("deprovision", topology, "-e", "kafka_confirm=demo")
    assert run.code == 0, run.text
    assert "kafka-eu-west-1-demo-broker" not in [role["RoleName"] for role in account.iam.list_roles()["Roles"]]


def test_a_keytab_is_read_as_it_was_put_there(store):
    data = bytes(range(256)) * 16
    text = base64.encodebytes(data).decode()
    store.secretsmanager.create_secret(Name="kafka/demo/b1", SecretString=text)
    store.ssm.put_parameter(Name="/kafka/demo/b1", Value=text[:4096].rpartition("\n")[0], Type="SecureString")
    assert keytab.read(keytab.Source("secret", "kafka/demo/b1"), kerberos_keytab.kept) == data
    assert data.startswith(keytab.read(keytab.Source("parameter", "/kafka/demo/b1"), kerberos_keytab.kept))
    assert kerberos_keytab.kept("secret", "kafka/demo/none") is None
