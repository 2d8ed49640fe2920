"""What AWS is asked for a new password, in which order, and what is refused; the fakes are those of test_secrets."""

from __future__ import annotations

import pytest
from test_secrets import CANARY, PARAMETER, SECRET, STORED, Fault, aws, parameter, store, waited

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secret_rotation, secrets

__all__ = ["aws", "store", "waited"]


@pytest.fixture()
def rotation(store):
    return secret_rotation.Rotation(store, "one")


def described(stages, **more):
    return {"DescribeSecret": [{"VersionIdsToStages": stages, **more}]}


def test_what_is_there_is_the_present_one_alone(aws, rotation):
    aws.answers = {
        **{"GetSecretValue": [STORED], "GetParameter": [parameter()]},
        # A completed rotation may leave both labels on one version (Secrets Manager's guide).
        **described({"v-0": ["AWSPREVIOUS"], "v-1": ["AWSCURRENT", "AWSPENDING"]}),
    }
    found = rotation.look([SECRET, PARAMETER])
    assert found[SECRET] == secret_rotation.Kept(secrets.Password(CANARY, "v-1"))
    assert found[PARAMETER] == secret_rotation.Kept(secrets.Password(CANARY, "1 of 17.5"))
    assert CANARY not in repr(found)


def test_what_does_not_exist_is_none(aws, rotation):
    aws.answers = {"GetSecretValue": [Fault("ResourceNotFoundException")], "GetParameter": [Fault("ParameterNotFound")]}
    assert rotation.look([SECRET, PARAMETER]) == {SECRET: None, PARAMETER: None}


def test_the_version_that_waits_is_known_by_the_clusters_mark(aws, rotation, store):
    aws.answers = {"PutSecretValue": [{}]}
    made = rotation.begin([SECRET])[SECRET]
    ((_action, sent, _headers),) = aws.asked
    assert sent == {
        **{"SecretId": SECRET.name, "SecretString": made.text, "VersionStages": ["AWSPENDING"]},
        "ClientRequestToken": made.version,
    }
    assert len(made.version) == 36 and len(made.text) == 40
    waiting = {"SecretString": made.text, "VersionId": made.version}
    aws.answers = {
        **described({"v-1": ["AWSCURRENT"], made.version: ["AWSPENDING"]}),
        **{"GetSecretValue": [STORED, waiting, STORED]},
    }
    assert rotation.look([SECRET])[SECRET].pending == made
    assert aws.asked[-1][1] == {"SecretId": SECRET.name, "VersionId": made.version}
    # To another cluster it is another one's.
    with pytest.raises(secrets.SecretError, match="has a version AWSPENDING that another one has made"):
        secret_rotation.Rotation(store, "two").look([SECRET])


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (described({"v-1": ["AWSCURRENT"], "v-2": ["AWSPENDING"]}), r"has a version AWSPENDING .* \(v-2\); let them"),
        (described({"v-1": ["AWSCURRENT"]}, RotationEnabled=True), "is rotated by Secrets Manager itself; end that"),
        (
            {"DescribeSecret": [Fault("AccessDeniedException")]},
            "cannot be changed: the role of this host may not do secretsmanager:DescribeSecret .*instances_rotate_passwords",
        ),
    ],
)
def test_what_another_one_rotates_or_the_role_may_not_is_refused(aws, rotation, answer, sentence):
    aws.answers = {"GetSecretValue": [STORED], **answer}
    with pytest.raises(secrets.SecretError, match=sentence) as caught:
        rotation.look([SECRET])
    assert "c4n4ry" not in str(caught.value)


def test_a_parameter_keeps_its_key_and_is_read_until_it_has_the_new_value(aws, rotation, monkeypatch, waited):
    monkeypatch.setattr(secret_rotation, "generated", lambda: secrets.Password("new"))
    aws.answers = {
        "GetParameterHistory": [
            {"Parameters": [{"Version": 2, "KeyId": "old"}], "NextToken": "more"},
            {"Parameters": [{"Version": 3, "KeyId": "mine", "Description": "d", "Value": "AQ==", "Tier": "Advanced"}]},
        ],
        "PutParameter": [{}],
        "GetParameter": [parameter(), parameter("new", version=4)],
    }
    assert rotation.begin([PARAMETER])[PARAMETER] == secrets.Password("new", "4 of 17.5")
    sent = [body for action, body, _headers in aws.asked if action == "PutParameter"]
    assert sent == [
        {
            **{"Name": PARAMETER.name, "Value": "new", "Type": "SecureString", "Overwrite": True},
            **{"KeyId": "mine", "Description": "d", "Tier": "Advanced"},
        }
    ]
    assert len(waited) == 1 and [body.get("NextToken") for _action, body, _headers in aws.asked[:2]] == [None, "more"]


BEFORE, AFTER = secrets.Password("a", "v-0"), secrets.Password(CANARY, "v-1")


def test_readers_get_it_when_it_is_made_current(aws, rotation):
    aws.answers = {"UpdateSecretVersionStage": [{}], **described({"v-1": ["AWSCURRENT", "AWSPENDING"]})}
    rotation.finish({SECRET: BEFORE, PARAMETER: BEFORE}, {SECRET: AFTER, PARAMETER: AFTER})
    # They read the parameter's already.
    current, pending = [body for action, body, _headers in aws.asked if action == "UpdateSecretVersionStage"]
    assert current == {
        **{"SecretId": SECRET.name, "VersionStage": "AWSCURRENT"},
        **{"MoveToVersionId": "v-1", "RemoveFromVersionId": "v-0"},
    }
    assert pending == {"SecretId": SECRET.name, "VersionStage": "AWSPENDING", "RemoveFromVersionId": "v-1"}
    # A run that ended between the two: the next one takes the label away. Without it nothing is asked for.
    rotation.finish({SECRET: AFTER}, {SECRET: AFTER})
    assert aws.asked[-1][1] == pending
    aws.answers = described({"v-1": ["AWSCURRENT"]})
    rotation.finish({SECRET: AFTER}, {SECRET: AFTER})
    assert aws.asked[-1][0] == "DescribeSecret"


def test_a_version_that_readers_had_waits_no_longer(aws, rotation):
    aws.answers = {
        "GetSecretValue": [STORED],
        **described({"v-1": ["AWSCURRENT"], "v-2": ["AWSPREVIOUS", "AWSPENDING"]}),
    }
    assert rotation.look([SECRET])[SECRET].pending is None


def test_a_lost_answer_to_that_is_no_failure_and_a_change_meanwhile_is_one(aws, rotation):
    aws.answers = {
        "UpdateSecretVersionStage": [Fault("InvalidParameterException")],
        **described({"v-1": ["AWSCURRENT"]}),
    }
    rotation.finish({SECRET: BEFORE}, {SECRET: AFTER})
    aws.answers.update(described({"v-1": ["AWSPENDING"], "v-theirs": ["AWSCURRENT"]}))
    with pytest.raises(secrets.SecretError, match="AWS says InvalidParameterException to secretsmanager:UpdateSecretV"):
        rotation.finish({SECRET: BEFORE}, {SECRET: AFTER})
