"""Passwords in AWS: what is asked, what is refused in which words, and that no value is in any of them."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secrets
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.kms import Credentials

CANARY = "c4n4ry'\"\\p4ssw0rd"
ROLE = Credentials("AKID", "canary-secret-key", "canary-token", "eu-west-1")
SECRET = secrets.Source("secret", "kafka/demo/alice")
PARAMETER = secrets.Source("parameter", "/kafka/demo/alice")
STORED = {"SecretString": CANARY, "VersionId": "v-1"}


def parameter(value=CANARY, kind="SecureString", version=1, modified=17.5):
    return {"Parameter": {"Value": value, "Type": kind, "Version": version, "LastModifiedDate": modified}}


class Fault(Exception):
    def __init__(self, code, status=400):
        self.code, self.status = code, status


class Service(BaseHTTPRequestHandler):
    """Answers each action with the next of its prepared answers, the last one for ever; asked has what came."""

    def do_POST(self):
        action = self.headers["x-amz-target"].rpartition(".")[2]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((action, body, self.headers))
        listed = self.answers[action]
        answer = listed.pop(0) if len(listed) > 1 else listed[0]
        status, text = 200, answer
        if isinstance(answer, Fault):
            status = answer.status
            text = {"__type": "com.amazonaws.x#" + answer.code, "message": "canary-text"}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text if isinstance(text, bytes) else json.dumps(text).encode())

    def log_message(self, *_args):
        pass


@pytest.fixture()
def aws(monkeypatch):
    """Prepared answers by action; .asked."""
    handler = type("Handler", (Service,), {"answers": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:%d" % server.server_port)
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture()
def waited():
    return []


@pytest.fixture()
def store(aws, waited):
    return secrets.Store(ROLE, draw=lambda _low, high: high, sleep=waited.append)


def actions(aws):
    return [action for action, _body, _headers in aws.asked]


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
def test_a_request_is_signed_as_the_library_of_aws_signs_it(service):
    body = json.dumps({"SecretId": "kafka/ä"}).encode()
    host = "%s.eu-west-1.amazonaws.com" % service
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-security-token": ROLE.token,
        "x-amz-target": "x.GetSecretValue",
    }
    request = AWSRequest("POST", "https://%s/" % host, headers=dict(headers), data=body)
    del request.headers["x-amz-security-token"]
    SigV4Auth(Keys(ROLE.access_key, ROLE.secret_key, ROLE.token), service, "eu-west-1").add_auth(request)
    headers["x-amz-date"] = request.headers["X-Amz-Date"]
    assert secrets.authorization(ROLE, service, headers, body) == request.headers["Authorization"]


def test_both_services_are_asked_for_the_value_and_its_version(aws, store):
    aws.answers = {"GetSecretValue": [STORED], "GetParameter": [parameter()]}
    found = store.read([SECRET, PARAMETER, SECRET])
    assert found == {
        SECRET: secrets.Password(CANARY, "v-1"),
        PARAMETER: secrets.Password(CANARY, "1 of 17.5"),
    }
    assert "c4n4ry" not in repr(found)
    bodies = {action: body for action, body, _headers in aws.asked}
    assert len(aws.asked) == 2 and bodies == {
        **{"GetSecretValue": {"SecretId": SECRET.name, "VersionStage": "AWSCURRENT"}},
        **{"GetParameter": {"Name": PARAMETER.name, "WithDecryption": True}},
    }
    for _action, _body, headers in aws.asked:
        assert headers["x-amz-security-token"] == ROLE.token
        assert "http://" + headers["Host"] == os.environ["AWS_ENDPOINT_URL"]


def test_a_parameter_that_was_deleted_and_made_anew_has_another_version(aws, store):
    aws.answers = {"GetParameter": [parameter(), parameter(modified=18.5)]}
    assert store.read([PARAMETER]) != store.read([PARAMETER])


def test_without_an_endpoint_of_its_own_the_regions_is_asked(monkeypatch):
    asked = []
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"):
        monkeypatch.delenv(name, raising=False)

    def opened(_opener, request, timeout):
        asked.append(request.full_url)
        raise OSError("canary")

    monkeypatch.setattr(secrets.urllib.request.OpenerDirector, "open", opened)
    for region in ("eu-west-1", "cn-north-1"):
        store = secrets.Store(replace(ROLE, region=region), sleep=lambda _seconds: None)
        with pytest.raises(secrets.SecretError, match="cannot be asked for in %s: OSError; look at the net" % region):
            store.read([PARAMETER])
    assert set(asked) == {"https://ssm.eu-west-1.amazonaws.com/", "https://ssm.cn-north-1.amazonaws.com.cn/"}


def test_what_does_not_exist_is_none_and_not_made(aws, store):
    aws.answers = {"GetSecretValue": [Fault("ResourceNotFoundException")], "GetParameter": [Fault("ParameterNotFound")]}
    assert store.read([SECRET, PARAMETER]) == {SECRET: None, PARAMETER: None}
    assert sorted(actions(aws)) == ["GetParameter", "GetSecretValue"]


@pytest.mark.parametrize(
    ("source", "answer", "sentence"),
    [
        (SECRET, Fault("AccessDeniedException"), "may not do secretsmanager:GetSecretValue on it"),
        (PARAMETER, Fault("AccessDeniedException"), "may not do ssm:GetParameter on it"),
        (SECRET, Fault("InvalidRequestException"), "is scheduled for deletion; restore it"),
        (SECRET, Fault("DecryptionFailure"), r"its KMS key cannot be used \(DecryptionFailure\)"),
        (SECRET, Fault("KMSInvalidStateException"), "its KMS key cannot be used"),
        (PARAMETER, Fault("SomethingNew"), "AWS says SomethingNew to ssm:GetParameter"),
        (PARAMETER, parameter(kind="String"), "is a String, which all who may read parameters can see"),
        (PARAMETER, parameter(value="\n"), "parameter /kafka/demo/alice is empty"),
        (SECRET, {"SecretString": "", "VersionId": "v"}, "secret kafka/demo/alice is empty"),
        (SECRET, {"SecretBinary": "YQ==", "VersionId": "v"}, "is binary"),
        (SECRET, {"SecretString": '{"a": "%s"}' % "c4n4ry", "VersionId": "v"}, "holds JSON; say in key"),
        (replace(SECRET, key="a"), STORED, "secret kafka/demo/alice, key a is no JSON with a text under that key"),
        (replace(SECRET, key="a"), {"SecretString": '{"b": "c4n4ry"}', "VersionId": "v"}, "is no JSON with a text"),
        (replace(SECRET, key="a"), {"SecretString": '{"a": 5}', "VersionId": "v"}, "is no JSON with a text"),
        (SECRET, b'{"SecretString": "c4n4ry', "cannot be asked for in eu-west-1: JSONDecodeError"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence_without_a_value(aws, store, source, answer, sentence):
    aws.answers = {"GetSecretValue": [answer], "GetParameter": [answer]}
    with pytest.raises(secrets.SecretError, match=sentence) as caught:
        store.read([source])
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    for canary in ("c4n4ry", "canary", ROLE.secret_key):
        assert canary not in str(caught.value)


def test_an_entry_of_json_and_a_line_break_at_the_end(aws, store):
    aws.answers = {"GetSecretValue": [{"SecretString": json.dumps({"a": CANARY + "\n"}), "VersionId": "v"}]}
    assert store.read([replace(SECRET, key="a")])[replace(SECRET, key="a")].text == CANARY


def test_an_error_that_passes_is_asked_again_and_for_ever_it_is_not(aws, store, waited):
    aws.answers = {"GetSecretValue": [Fault("ThrottlingException"), Fault("Unknown", 503), STORED]}
    assert store.read([SECRET])[SECRET].text == CANARY and waited == [0.5, 1.0]
    aws.answers = {"GetSecretValue": [Fault("ThrottlingException")]}
    with pytest.raises(secrets.SecretError, match="AWS says ThrottlingException"):
        store.read([SECRET])
    assert len(aws.asked) == 3 + secrets.TRIES


def test_what_is_made_is_what_is_read_afterwards(aws, store):
    aws.answers = {
        **{"CreateSecret": [{}], "GetSecretValue": [Fault("ResourceNotFoundException"), STORED]},
        **{"PutParameter": [{}], "GetParameter": [parameter()]},
    }
    made = store.create({SECRET: secrets.Password("mine"), PARAMETER: secrets.Password("mine")})
    assert {each.text for each in made.values()} == {CANARY} and all(each.version for each in made.values())
    sent = {action: body for action, body, _headers in aws.asked}
    assert sent["PutParameter"] == {
        **{"Name": PARAMETER.name, "Value": "mine", "Type": "SecureString", "Overwrite": False}
    }
    assert {**sent["CreateSecret"], "ClientRequestToken": 36} == {
        **{"Name": SECRET.name, "SecretString": "mine", "ClientRequestToken": 36}
    }
    assert len(sent["CreateSecret"]["ClientRequestToken"]) == 36


def test_a_try_again_of_a_creation_carries_the_same_token(aws, store):
    aws.answers = {"CreateSecret": [Fault("InternalServiceError", 500), {}], "GetSecretValue": [STORED]}
    store.create({SECRET: secrets.Password("mine")})
    first, second = [body for action, body, _headers in aws.asked if action == "CreateSecret"]
    assert first == second


def test_the_first_of_two_hosts_wins(aws, store):
    aws.answers = {"CreateSecret": [Fault("ResourceExistsException")], "GetSecretValue": [STORED]}
    assert store.create({SECRET: secrets.Password("mine")})[SECRET] == secrets.Password(CANARY, "v-1")


def test_a_secret_that_has_no_value_stays_so(aws, store, monkeypatch):
    monkeypatch.setattr(secrets, "SETTLE_SECONDS", 0)
    missing = [Fault("ResourceNotFoundException")]
    aws.answers = {"CreateSecret": [Fault("ResourceExistsException")], "GetSecretValue": missing}
    with pytest.raises(RackawareError, match="secret kafka/demo/alice to have a value; last seen: it has none; put a"):
        store.create({SECRET: secrets.Password("mine")})


def test_no_right_to_make_one_is_another_sentence(aws, store):
    aws.answers = {"CreateSecret": [Fault("AccessDeniedException")]}
    with pytest.raises(secrets.SecretError, match="cannot be made: .* may not do secretsmanager:CreateSecret on it"):
        store.create({SECRET: secrets.Password("mine")})


def test_what_is_generated_needs_no_escape_and_is_never_the_same():
    made = {secrets.generated().text for _ in range(50)}
    assert len(made) == 50 and all(len(each) == 40 and each.isalnum() and each.isascii() for each in made)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"secret": "kafka/demo/alice"}, SECRET),
        ({"parameter": "/kafka/demo/alice", "generate": False}, replace(PARAMETER, generate=False)),
        ({"secret": "a", "key": "k"}, secrets.Source("secret", "a", "k", False)),
    ],
)
def test_where_a_password_is(given, expected):
    assert secrets.source(given, "alice") == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "must have either secret or parameter"),
        ({"secret": "a", "parameter": "b"}, "must have either secret or parameter"),
        ({"secret": ""}, "is no name of a secret"),
        ({"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a"}, "without ARN and version"),
        ({"parameter": "kafka/demo"}, "is no name of a parameter; .*such as /kafka/demo/alice"),
        ({"parameter": "/kafka/demo:3"}, "is no name of a parameter"),
        ({"parameter": "/a", "key": "b"}, "key is one of a secret in JSON"),
        ({"secret": "a", "key": ""}, "key is one of a secret in JSON"),
        ({"secret": "a", "key": "b", "generate": True}, "a secret with keys is never generated"),
    ],
)
def test_what_names_no_password_is_refused(given, sentence):
    with pytest.raises(secrets.SecretError, match=sentence):
        secrets.source(given, "alice")
