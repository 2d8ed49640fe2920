"""What the brokers' role may do with the passwords of users."""

from __future__ import annotations

from ansible_collections.rackaware.kafka.plugins.filter.key_custody import kafka_passwords_policy

ROLE = "arn:aws-cn:iam::123456789012:role/kafka-broker"


def test_only_what_is_the_clusters_is_read_and_made_and_nothing_is_changed():
    statements = kafka_passwords_policy(ROLE, "cn-north-1", "demo")["Statement"]
    assert [(each["Action"], each["Resource"]) for each in statements] == [
        (
            ["secretsmanager:GetSecretValue", "secretsmanager:CreateSecret"],
            "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:kafka/demo/*",
        ),
        (["ssm:GetParameter"], "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/kafka/demo/*"),
        (["ssm:PutParameter"], "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/kafka/demo/*"),
    ]
    assert {each["Effect"] for each in statements} == {"Allow"}
    assert all(each["Condition"]["NumericGreaterThanEquals"] == {"ec2:RoleDelivery": "2.0"} for each in statements)
    assert [each["Condition"].get("StringEquals") for each in statements] == [None, None, {"ssm:Overwrite": "false"}]


def test_with_rotate_passwords_are_changed_and_none_is_deleted_or_listed():
    plain = kafka_passwords_policy(ROLE, "cn-north-1", "demo")["Statement"]
    statements = kafka_passwords_policy(ROLE, "cn-north-1", "demo", True)["Statement"]
    more = {action for each in statements for action in each["Action"]} - {a for each in plain for a in each["Action"]}
    assert more == {
        *("secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"),
        "ssm:GetParameterHistory",
    }
    assert [each["Resource"] for each in statements] == [each["Resource"] for each in plain]
    assert all(each["Condition"] == {"NumericGreaterThanEquals": {"ec2:RoleDelivery": "2.0"}} for each in statements)
