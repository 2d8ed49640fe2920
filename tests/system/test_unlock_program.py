"""The unlocker as it is on a host.

It has its own files, its own process, a real disk, and a stand-in of the metadata service, S3 and KMS.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from moto.server import ThreadedMotoServer

from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import header, kms, unlocker
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import files as stores_files
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import keys as stores_keys
from ansible_collections.rackaware.kafka.plugins.modules import kms_data_key, luks_key, luks_volume

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
UUID = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44"
REGION, OWNER, BUCKET = "eu-west-1", "123456789012", "keys"


@pytest.fixture(scope="module")
def cloud():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://%s:%d" % server.get_host_and_port()
    variables = {"AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
    keys = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, **keys}.items():
            patch.setenv(name, value)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        arn = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        yield {"arn": arn, "variables": variables}
    server.stop()


@pytest.fixture()
def module(capsys):
    def call(which, **params):
        with patch_module_args(params), pytest.raises(SystemExit):
            which.main()
        result = json.loads(capsys.readouterr().out)
        assert not result.get("failed"), result
        return result

    return call


@pytest.fixture()
def host(cloud, module, tmp_path):
    """A disk, its wrapped key, and the program in its place, with one store that is not formatted yet."""

    class Host:
        device = ""
        root = tmp_path

        def data_key(self, **more):
            params = {
                "bucket": BUCKET,
                "object_key": "%s/LuksInternalStorageKey-d0" % tmp_path.name,
                "key_id": cloud["arn"],
                "expected_bucket_owner": OWNER,
            }
            return module(
                kms_data_key, **{**params, "encryption_context": {"cluster_id": "demo", "node_id": "1"}, **more}
            )

        def volume(self, wrapped, **more):
            params = {
                "device": self.device,
                "name": "kafka-d0",
                "uuid": UUID,
                "subsystem": "kafka-demo-1",
                "state": "formatted",
            }
            key = {"wrapped": wrapped}
            return module(
                luks_volume,
                **{**params, "allow_format": "blank_only", "marker_dir": str(tmp_path / "m"), "key": key, **more},
            )

        def configure(self, *wrapped):
            store = {
                "store": "d0",
                "mount": "/mnt/d0",
                "name": "kafka-d0",
                "device": self.device,
                "uuid": UUID,
                "subsystem": "kafka-demo-1",
            }
            for path, file in stores_files.files([{**store, "keys": list(wrapped)}]).items():
                place = tmp_path / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(file["content"].replace("/usr/local/lib", str(tmp_path / "usr/local/lib")))
                place.chmod(int(file["mode"], 8))

        def refused(self, *wrapped):
            """What the role says before it writes such a configuration; empty where it would."""
            store = {
                "store": "d0",
                "mount": "/mnt/d0",
                "name": "kafka-d0",
                "device": self.device,
                "uuid": UUID,
                "subsystem": "kafka-demo-1",
            }
            try:
                stores_keys.check(
                    stores_files.file_set(stores_files.files([{**store, "keys": list(wrapped)}]))["files"], ["d0"]
                )
            except RackawareError as error:
                return str(error)
            return ""

        def run(self, command="check", **variables):
            program = tmp_path / unlocker.PROGRAM.lstrip("/")
            code = (
                "import sys; sys.argv = ['kafka-luks', %r, 'd0']; sys.path.insert(0, %r); from kafka_luks._luks import unlocker"
                % (
                    command,
                    str(tmp_path / "usr/local/lib/kafka-luks"),
                )
            )
            code += "; sys.exit(unlocker.main(directory=%r))" % str(tmp_path / "etc/kafka-luks")
            assert "kafka_luks._luks.unlocker import main" in program.read_text()
            environment = {"PATH": os.environ["PATH"], **cloud["variables"], **variables}
            return subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )

    made = Host()
    disk = tmp_path / "disk.img"
    with open(disk, "wb") as stream:
        stream.truncate(32 * MIB)
    made.device = subprocess.run(
        ["losetup", "--find", "--show", disk], capture_output=True, text=True, check=True
    ).stdout.strip()
    yield made
    subprocess.run(["losetup", "--detach", made.device], check=True)


def test_the_launcher_is_a_program(host, cloud):
    wrapped = host.data_key()["wrapped"]
    host.configure(wrapped)
    program = host.root / unlocker.PROGRAM.lstrip("/")
    done = subprocess.run(
        [sys.executable, "-I", program, "check", "../x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "cannot be the name of a store" in done.stdout


def test_the_key_comes_from_kms_and_opens_the_volume(host):
    wrapped = host.data_key()["wrapped"]
    assert host.volume(wrapped)["state_after"] == "formatted"
    token = header.scan(host.device).header.tokens[0]
    assert {name: token[name] for name in wrapped} == wrapped
    assert host.volume(wrapped)["changed"] is False
    host.configure(wrapped)
    done = host.run()
    assert (done.returncode, done.stdout) == (0, "the key can be unwrapped and opens the volume\n")
    key = bytes(kms.connect(REGION).unwrap(kms.wrapped(wrapped)))
    for form in (key.hex(), base64.b64encode(key).decode(), repr(key)[2:-1]):
        assert form not in done.stdout and form not in json.dumps(token)


def _each(first, second):
    return [[first["wrapped"]], [first["wrapped"], second["wrapped"]], [second["wrapped"]]]


def test_a_whole_rotation_and_what_each_state_of_it_opens(host, module):
    """Escrow, configuration with both, new slot, configuration with the new one, old version gone."""
    first = host.data_key()
    host.volume(first["wrapped"])
    second = host.data_key(state="rotated", previous_version_id=first["version_id"])
    assert [bool(host.refused(*keys)) for keys in _each(first, second)] == [False, False, True]
    host.configure(first["wrapped"], second["wrapped"])
    assert host.run().returncode == 0
    rotation = {
        "device": host.device,
        "uuid": UUID,
        "key": {"wrapped": first["wrapped"]},
        "new_key": {"wrapped": second["wrapped"]},
        "state": "rotated",
    }
    assert module(luks_key, **rotation)["keyslots"] == [1]
    assert [bool(host.refused(*keys)) for keys in _each(first, second)] == [True, False, False]
    assert "opens with version %s of" % second["version_id"] in host.refused(first["wrapped"])
    assert host.run().returncode == 0
    host.configure(second["wrapped"])
    assert host.run().returncode == 0
    host.data_key(
        state="absent",
        version_id=first["version_id"],
        confirm_crypto_shred="%s/LuksInternalStorageKey-d0" % host.root.name,
    )
    assert host.run().returncode == 0
    assert host.volume(second["wrapped"])["changed"] is False
    host.configure(first["wrapped"])
    done = host.run()
    assert done.returncode == 1 and "this version of the object does not exist" in done.stdout
    # The play may be run once more when even the old version is gone.
    assert module(luks_key, **rotation)["changed"] is False


def test_a_rewrapped_key_only_changes_the_token(host):
    first = host.data_key()
    host.volume(first["wrapped"])
    second = host.data_key(state="rewrapped", previous_version_id=first["version_id"])
    assert host.volume(second["wrapped"])["actions"] == ["token facts"]
    assert [token["version_id"] for token in header.scan(host.device).header.tokens.values()] == [second["version_id"]]


def test_another_nodes_key_is_refused(host):
    first = host.data_key()
    host.volume(first["wrapped"])
    host.configure({**first["wrapped"], "encryption_context": {"cluster_id": "demo", "node_id": "2"}})
    done = host.run()
    assert done.returncode == 1 and "InvalidCiphertextException" in done.stdout


@pytest.mark.parametrize(
    "how",
    ["an older version comes back", "another node's object is put in its place", "it is cut off", "it is deleted"],
)
def test_a_tampered_object_never_opens_another_volume(host, how):
    """A version that was pinned stays what it is; whatever is not it is refused, and the volume is as it was."""
    first, s3, key = host.data_key(), boto3.client("s3"), "%s/LuksInternalStorageKey-d0" % host.root.name
    host.volume(first["wrapped"])
    pinned = first["wrapped"]
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    if how == "an older version comes back":
        second = host.data_key(state="rotated", previous_version_id=first["version_id"])
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        replayed = s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
        pinned = {**second["wrapped"], "version_id": replayed}
        sentence = "its SHA-256 differs"
    elif how == "another node's object is put in its place":
        other = host.data_key(object_key=key + "-other", encryption_context={"cluster_id": "demo", "node_id": "2"})[
            "wrapped"
        ]
        pinned = {**other, "encryption_context": first["wrapped"]["encryption_context"]}
        sentence = "InvalidCiphertextException"
    elif how == "it is cut off":
        version = s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-1])["VersionId"]
        pinned = {**pinned, "version_id": version}
        sentence = "its SHA-256 differs"
    else:
        s3.delete_object(Bucket=BUCKET, Key=key, VersionId=first["version_id"])
        sentence = "does not exist"
    before = Path(host.root / "disk.img").read_bytes()
    host.configure(pinned)
    done = host.run()
    assert done.returncode == 1 and sentence in done.stdout and "Traceback" not in done.stdout, done.stdout
    assert Path(host.root / "disk.img").read_bytes() == before


def test_an_unwrapped_key_is_in_no_output_at_any_verbosity(host, cloud, tmp_path):
    """As an operator runs it, with tracebacks and debug on.

    It covers the first volume, a check, a file in memory, a rotation, and failures of each.
    """
    first = host.data_key()
    second = host.data_key(state="rotated", previous_version_id=first["version_id"])
    wrong = {**first["wrapped"], "encryption_context": {"cluster_id": "other"}}
    old, new, bad = ({"wrapped": each} for each in (first["wrapped"], second["wrapped"], wrong))
    volume = {
        "device": host.device,
        "name": "kafka-d0",
        "uuid": UUID,
        "subsystem": "kafka-demo-1",
        "marker_dir": str(tmp_path / "m"),
    }
    ignored = {"ignore_errors": "{{ true }}"}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        tasks = [
            {"rackaware.kafka.luks_volume": {**volume, "state": "formatted", "allow_format": "blank_only", "key": old}},
            {
                "rackaware.kafka.luks_volume": {**volume, "state": "formatted", "key": bad, "token": {"a": "b"}},
                **ignored,
            },
            {"rackaware.kafka.luks_volume": {**volume, "state": "open", "key": old}, **ignored},
            {"rackaware.kafka.kms_decrypt": first_only(old), "register": "check"},
            {"ansible.builtin.debug": {"var": "check"}},
            {"rackaware.kafka.kms_decrypt": first_only(bad), **ignored},
            {"rackaware.kafka.kms_decrypt": {**first_only(old), "validate_only": False, "dest": memory + "/key"}},
            {
                "rackaware.kafka.kms_decrypt": {
                    **first_only(old),
                    "validate_only": False,
                    "dest": str(tmp_path / "key"),
                },
                **ignored,
            },
            {
                "rackaware.kafka.luks_key": {
                    "device": host.device,
                    "uuid": UUID,
                    "key": old,
                    "new_key": new,
                    "state": "rotated",
                }
            },
        ]
        play = tmp_path / "play.yml"
        play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
            "ANSIBLE_DEBUG": "1",
        }
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-vvvv",
            "--diff",
            "-i",
            "localhost,",
            "-c",
            "local",
            str(play),
        ]
        command += ["-e", "ansible_python_interpreter=" + sys.executable]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        written = Path(memory, "key").read_bytes() if done.returncode == 0 else b""
    assert done.returncode == 0 and "ignored=4" in done.stdout, done.stdout[-4000:]
    files = [
        path.read_bytes().decode("latin-1")
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != "disk.img"
    ]
    keys = [bytes(kms.connect(REGION).unwrap(kms.wrapped(each["wrapped"]))) for each in (first, second)]
    assert written == keys[0]
    for key in keys:
        # The middle of the key, at each of the three places that base64 knows.
        part = key[20:41]
        forms = {
            part.hex(),
            repr(part)[2:-1],
            part.decode("latin-1"),
            *(base64.b64encode(bytes(shift) + part).decode()[4:-4] for shift in range(3)),
        }
        for text in (done.stdout, *files):
            assert not [form for form in forms if form in text]
    with open(host.device, "rb") as stream:
        raw = stream.read()
    assert not [key for key in keys if key in raw or base64.b64encode(key) in raw]


def first_only(key: dict) -> dict:
    return {"wrapped": key["wrapped"]}


def test_without_metadata_it_says_what_it_waits_for(host):
    host.configure(host.data_key()["wrapped"])
    done = host.run(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1")
    assert (
        done.returncode == 1
        and "The instance's metadata do not give a session token (IMDSv2): URLError." in done.stdout
    )
    assert "Traceback" not in done.stdout


def test_a_wrong_disk_is_refused(host):
    host.volume(host.data_key()["wrapped"], uuid="11111111-2222-4333-8444-555555555555")
    host.configure(host.data_key()["wrapped"])
    done = host.run("open")
    assert done.returncode == 1 and "is refused, and nothing was changed: it holds another LUKS volume" in done.stdout


def test_its_files_are_where_the_launcher_looks():
    assert Path(unlocker.PACKAGE).name == "kafka_luks"
