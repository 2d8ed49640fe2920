"""From a wrapped key to its bytes: pins, classes of errors, and what never leaves."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import random
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.response import StreamingBody
from botocore.stub import Stubber

from ansible_collections.rackaware.kafka.plugins.module_utils._luks import key_source
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import kms as luks_kms
from ansible_collections.rackaware.kafka.plugins.modules import kms_decrypt

CANARY = b"\ncanary-" + bytes(range(64, 121))
ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_ARN = ARN.replace("1234abcd", "ffffabcd")
BLOB = b"ciphertext"
WRAPPED = luks_kms.Wrapped(
    "keys",
    "demo/LuksInternalStorageKey-d0",
    "v1",
    hashlib.sha256(BLOB).hexdigest(),
    ARN,
    "123456789012",
    {"node_id": "1"},
)
GET = {
    "Bucket": "keys",
    "Key": "demo/LuksInternalStorageKey-d0",
    "VersionId": "v1",
    "ExpectedBucketOwner": "123456789012",
}
DECRYPT = {"CiphertextBlob": BLOB, "KeyId": ARN, "EncryptionContext": {"node_id": "1"}}


@pytest.fixture()
def vault():
    made = [
        boto3.client(name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name in ("s3", "kms")
    ]
    with Stubber(made[0]) as s3, Stubber(made[1]) as kms:
        yield luks_kms.Vault(*made), s3, kms


def stored(content: bytes = BLOB) -> dict:
    return {"Body": StreamingBody(io.BytesIO(content), len(content))}


def test_every_pin_is_asked_for_and_the_key_comes_in_bytes(vault):
    made, s3, kms = vault
    s3.add_response("get_object", stored(), GET)
    kms.add_response("decrypt", {"Plaintext": CANARY, "KeyId": ARN}, DECRYPT)
    assert made.unwrap(WRAPPED) == bytearray(CANARY)
    s3.assert_no_pending_responses()
    kms.assert_no_pending_responses()


def test_an_object_that_was_replaced_is_not_even_decrypted(vault):
    made, s3, _kms_stub = vault
    s3.add_response("get_object", stored(b"an older one"), GET)
    with pytest.raises(luks_kms.Denied, match="is not the object that was pinned: its SHA-256 differs"):
        made.unwrap(WRAPPED)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"Plaintext": CANARY, "KeyId": OTHER_ARN}, "with another key than"),
        ({"Plaintext": CANARY[:16], "KeyId": ARN}, "is too short"),
    ],
)
def test_a_key_of_another_kms_key_or_length_is_not_used(vault, answer, sentence):
    made, s3, kms = vault
    s3.add_response("get_object", stored(), GET)
    kms.add_response("decrypt", answer, DECRYPT)
    with pytest.raises(luks_kms.Denied, match=sentence):
        made.unwrap(WRAPPED)


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "canary-text"},
            "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"},
        },
        "Decrypt",
    )


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("SlowDown", 503),
        client_error("KMSInternalException", 500),
        client_error("KeyUnavailableException", 500),
        client_error("DependencyTimeoutException", 503),
        client_error("SomethingNew", 502),
        client_error("SomethingNew", 429),
        client_error("RequestTimeTooSkewed", 403),
        client_error("InvalidSignatureException"),
        client_error("ExpiredTokenException"),
        EndpointConnectionError(endpoint_url="x"),
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_what_passes_by_itself_is_tried_again(error):
    assert luks_kms.classify(error) is luks_kms.Retry


@pytest.mark.parametrize(
    "error",
    [
        *[
            client_error(code)
            for code in (
                "AccessDeniedException",
                "DisabledException",
                "KMSInvalidStateException",
                "NotFoundException",
                "InvalidCiphertextException",
                "IncorrectKeyException",
                "UnrecognizedClientException",
                "SomethingNew",
            )
        ],
        client_error("AccessDenied", 403),
        client_error("NoSuchVersion", 404),
        ParamValidationError(report="x"),
        ValueError("canary-text"),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_an_error_that_does_not_pass_by_itself_is_denied(error):
    assert luks_kms.classify(error) is luks_kms.Denied


@pytest.mark.parametrize("which", ["s3", "kms"])
def test_an_error_is_a_code_and_an_advice_and_no_text_of_others(vault, which):
    made, s3, kms = vault
    if which == "s3":
        s3.add_client_error("get_object", "AccessDenied", "canary-text", 403)
    else:
        s3.add_response("get_object", stored(), GET)
        kms.add_client_error("decrypt", "KMSInvalidStateException", "canary-text", 400)
    with pytest.raises(luks_kms.Denied) as caught:
        made.unwrap(WRAPPED)
    assert "canary" not in str(caught.value) and caught.value.__cause__ is None and caught.value.__suppress_context__
    assert {"s3": "AccessDenied; allow it", "kms": "KMSInvalidStateException; the KMS key is disabled or waits"}[
        which
    ] in str(caught.value)


def test_a_body_that_breaks_off_is_tried_again(vault):
    made, s3, _ = vault
    s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(BLOB), 100)}, GET)
    with pytest.raises(luks_kms.Retry):
        made.ciphertext(WRAPPED)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key_arn": "alias/x"}, "is no ARN of a KMS key"),
        ({"key_arn": ARN.replace("key/", "alias/")}, "is no ARN of a KMS key"),
        ({"sha256": "x"}, "not 64 hexadecimal digits"),
        ({"encryption_context": {}}, "at least one entry"),
        ({"encryption_context": {"node_id": 1}}, "texts as values"),
        ({"version_id": "null"}, "turn versioning on"),
    ],
)
def test_an_incomplete_pin_is_refused(change, sentence):
    with pytest.raises(luks_kms.Denied, match=sentence):
        luks_kms.wrapped({**WRAPPED.as_dict(), **change})
    assert luks_kms.wrapped(WRAPPED.as_dict()) == WRAPPED


def test_a_missing_fact_is_named():
    with pytest.raises(luks_kms.Denied, match="has no sha256"):
        luks_kms.wrapped({name: value for name, value in WRAPPED.as_dict().items() if name != "sha256"})


def test_the_debug_log_of_the_library_stays_off(vault, caplog):
    made, s3, kms = vault
    logging.getLogger("botocore").setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    s3.add_response("get_object", stored(), GET)
    kms.add_response("decrypt", {"Plaintext": CANARY, "KeyId": ARN}, DECRYPT)
    made.unwrap(WRAPPED)
    assert logging.getLogger("botocore").level == logging.WARNING
    for form in ("canary-", base64.b64encode(CANARY).decode()):
        assert form not in caplog.text


def test_waits_are_random_below_a_ceiling_that_doubles_to_a_minute():
    ceilings = []

    def draw(low, high):
        assert low == 0.0
        ceilings.append(high)
        return high

    waits = luks_kms.delays(draw)
    assert [next(waits) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60] == ceilings
    seeded = luks_kms.delays(random.Random(7).uniform)
    assert all(0 <= next(seeded) <= 60 for _ in range(100))


class Metadata(BaseHTTPRequestHandler):
    """What an instance's metadata service says; faults maps a path's end to a status."""

    faults: dict = {}
    asked: list = []
    document = {"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "canary-secret", "Token": "canary-token"}

    def _answer(self, text: str, token: bool = True) -> None:
        self.asked.append((self.command, self.path))
        status = next((code for end, code in self.faults.items() if self.path.endswith(end)), 200)
        if status == 200 and token and self.headers.get("X-aws-ec2-metadata-token") != "t":
            status = 401
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self) -> None:
        assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"].isdigit()
        self._answer("t", token=False)

    def do_GET(self) -> None:
        self._answer("broker" if self.path.endswith("/security-credentials/") else json.dumps(self.document))

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture()
def metadata():
    handler = type("Handler", (Metadata,), {"faults": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield handler, "http://127.0.0.1:%d" % server.server_port
    server.shutdown()
    server.server_close()


def test_credentials_come_with_a_session_token_only(metadata, monkeypatch):
    handler, url = metadata
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url + "/")
    found = luks_kms.instance_credentials()
    assert (found.access_key, found.secret_key, found.token) == ("A", "canary-secret", "canary-token")
    assert "canary" not in repr(found)
    assert [method for method, _path in handler.asked] == ["PUT", "GET", "GET"]


@pytest.mark.parametrize(
    ("faults", "kind", "sentence"),
    [
        ({"api/token": 403}, luks_kms.Denied, "enable IMDSv2"),
        ({"api/token": 503}, luks_kms.Retry, r"session token \(IMDSv2\) \(HTTP 503\)"),
        ({"security-credentials/": 404}, luks_kms.Denied, "has no role"),
        ({"broker": 500}, luks_kms.Retry, "the role's credentials"),
        ({"broker": 401}, luks_kms.Retry, "HTTP 401"),
    ],
)
def test_metadata_that_do_not_answer_are_told_apart(metadata, faults, kind, sentence):
    handler, url = metadata
    handler.faults = faults
    with pytest.raises(kind, match=sentence):
        luks_kms.instance_credentials(url)


def test_a_role_that_cannot_be_assumed_is_denied(metadata):
    handler, url = metadata
    handler.document = {"Code": "AssumeRoleUnauthorizedAccess"}
    with pytest.raises(luks_kms.Denied, match="cannot be assumed"):
        luks_kms.instance_credentials(url)


def test_no_metadata_at_all_is_tried_again():
    with pytest.raises(luks_kms.Retry) as caught:
        luks_kms.instance_credentials("http://127.0.0.1:1")
    assert "URLError" in str(caught.value) and caught.value.__cause__ is None


def test_clients_make_one_attempt_and_find_the_endpoints_of_a_test(metadata, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata[1])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:8")
    made = luks_kms.connect("eu-west-1")
    assert (made.s3.meta.endpoint_url, made.kms.meta.endpoint_url) == ("http://127.0.0.1:9", "http://127.0.0.1:8")
    assert made.kms.meta.config.retries["total_max_attempts"] == 1
    assert (made.kms.meta.config.connect_timeout, made.kms.meta.config.read_timeout) == (3, 10)
    with pytest.raises(luks_kms.Retry, match="EndpointConnectionError"):
        made.unwrap(WRAPPED)


@pytest.fixture()
def memory(tmp_path, monkeypatch):
    """As if the directory were in memory."""
    monkeypatch.setattr(key_source, "IN_MEMORY", tuple({mount.kind for mount in key_source.probe.mounts()}))
    return tmp_path


@pytest.fixture()
def decrypt(vault, monkeypatch, capsys):
    made, s3, kms = vault
    monkeypatch.setattr(luks_kms, "connect", lambda *_: made)

    def call(plaintext=CANARY, **params):
        s3.add_response("get_object", stored(), GET)
        if plaintext is not None:
            kms.add_response(
                "decrypt",
                {"Plaintext": plaintext, "KeyId": ARN, "ResponseMetadata": {"RequestId": "r-1", "HTTPStatusCode": 200}},
                DECRYPT,
            )
        with (
            patch_module_args({"wrapped": WRAPPED.as_dict(), "_ansible_diff": True, **params}),
            pytest.raises(SystemExit),
        ):
            kms_decrypt.main()
        text = capsys.readouterr().out
        for form in ("canary-", CANARY.hex(), base64.b64encode(CANARY).decode()):
            assert form not in text
        return json.loads(text)

    return call


def test_by_default_it_only_proves(decrypt):
    result = decrypt()
    assert (result["changed"], result["valid"], result["key_arn"], result["plaintext_length"]) == (
        False,
        True,
        ARN,
        len(CANARY),
    )


def test_a_file_is_written_once_and_only_for_its_owner(decrypt, memory):
    dest = memory / "key"
    assert decrypt(validate_only=False, dest=str(dest), _ansible_check_mode=True)["changed"] and not dest.exists()
    assert decrypt(validate_only=False, dest=str(dest))["changed"] is True
    assert dest.read_bytes() == CANARY and dest.stat().st_mode & 0o777 == 0o400
    assert "exists already" in decrypt(validate_only=False, dest=str(dest))["msg"]


def test_a_disk_is_no_place_for_a_key(decrypt, tmp_path, monkeypatch):
    monkeypatch.setattr(key_source, "IN_MEMORY", ("ramfs",))
    assert "may only be in a file system in memory" in decrypt(validate_only=False, dest=str(tmp_path / "key"))["msg"]
    assert list(tmp_path.iterdir()) == []


def test_an_unforeseen_error_shows_its_class_only(decrypt, monkeypatch):
    def broken(*_args):
        raise ValueError("canary-" + CANARY.hex())

    monkeypatch.setattr(luks_kms.Vault, "decrypt", broken)
    result = decrypt()
    assert result["msg"] == "The key could not be unwrapped: ValueError." and "exception" not in result


def test_the_plaintext_is_overwritten_afterwards(decrypt, monkeypatch):
    kept = []
    real = luks_kms.Vault.decrypt
    monkeypatch.setattr(luks_kms.Vault, "decrypt", lambda *a: kept.append(real(*a)) or kept[0])
    decrypt()
    assert kept[0][0] == bytearray(len(CANARY))


def test_a_wrapped_key_shows_no_content():
    assert "canary" not in repr(replace(WRAPPED)) and WRAPPED.region == "eu-west-1"
