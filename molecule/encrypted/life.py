"""What happens to a broker on an encrypted instance store: life.py stop_start | denied | revoked | rotated | renewed | erased. Ends with an error when
one of our promises is broken."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable

import boto3
from kafka import KafkaAdminClient

from lab.settings import INSTANCES

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = os.environ["KAFKA_CLUSTER"]
NODE = 3
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
NAMED = ["-e", json.dumps({"kafka_selected_nodes": [NODE]})]
DISK = "$(ls /dev/disk/by-id/*Instance_Storage*)"


def say(text: str) -> None:
    print("%s %s" % (time.strftime("%H:%M:%S"), text), flush=True)


def instances() -> dict[str, dict[str, Any]]:
    """The cluster's instances by name."""
    found = boto3.client("ec2").describe_instances(Filters=[{"Name": "tag:KafkaCluster", "Values": [CLUSTER]}])
    listed = [
        instance
        for reservation in found["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]
    return {next(tag["Value"] for tag in instance["Tags"] if tag["Key"] == "Name"): instance for instance in listed}


class Broker:
    """The one with the encrypted store."""

    def __init__(self) -> None:
        every = instances()
        self.instance = every["%s-broker-%d" % (CLUSTER, NODE)]
        self.id, self.address = self.instance["InstanceId"], self.instance["PrivateIpAddress"]
        self.others = [
            "%s:9092" % instance["PrivateIpAddress"]
            for name, instance in sorted(every.items())
            if instance["InstanceId"] != self.id
        ]

    def ssh(self, command: str) -> str:
        """What a command says, empty while nobody answers."""
        options = [
            "-i",
            os.environ["ANSIBLE_PRIVATE_KEY_FILE"],
            *shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"]),
            "-o",
            "ConnectTimeout=5",
        ]
        run = subprocess.run(
            ["ssh", *options, "-o", "BatchMode=yes", "root@" + self.address, command],
            capture_output=True,
            text=True,
            check=False,
        )
        return run.stdout.strip()

    def boot(self) -> str:
        return self.ssh("cat /proc/sys/kernel/random/boot_id")

    def replicas(self) -> tuple[int, int]:
        """How many replicas it has, and how many of them are in sync, as another broker says."""
        admin = KafkaAdminClient(bootstrap_servers=self.others)
        try:
            topics = admin.describe_topics(admin.list_topics())
        finally:
            admin.close()
        partitions = [partition for topic in topics for partition in topic["partitions"]]
        return (
            sum(NODE in (partition.get("replica_nodes") or partition.get("replicas")) for partition in partitions),
            sum(NODE in (partition.get("isr_nodes") or partition.get("isr")) for partition in partitions),
        )

    def caught_up(self) -> None:
        """Wait until all its replicas are in sync again."""

        seen: list[str] = []

        def look() -> bool:
            try:
                every, in_sync = self.replicas()
            except Exception as error:
                seen.append(repr(error))
                return False
            seen.append("%d of %d" % (in_sync, every))
            return 0 < every == in_sync

        def explain() -> str:
            return "%s\n%s" % (
                seen[-1],
                self.ssh(
                    "systemctl status --lines=0 --no-pager kafka; journalctl --boot --no-pager --lines=60 --unit kafka"
                ),
            )

        until(look, "broker %d to have all its replicas in sync" % NODE, 180, explain)


def until(look: Callable[[], Any], what: str, seconds: float, explain: Callable[[], str] = str) -> Any:
    """Wait for something; ends the program when it does not come, with what explain says."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            say("seen: " + what)
            return found
        if time.monotonic() > end:
            sys.exit("Waited %d seconds in vain for %s. %s" % (seconds, what, explain()))
        time.sleep(1)


def stop_start() -> None:
    """Other disks: the same node comes back and catches up, and no acknowledged record is lost."""
    broker = Broker()
    uuid, disks = broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0"), broker.ssh("ls /dev/disk/by-id")
    with tempfile.TemporaryDirectory() as place:
        out, stop = Path(place) / "run", Path(place) / "stop"
        command = [
            sys.executable,
            "-m",
            "ledger",
            "run",
            "--bootstrap",
            ",".join(broker.others),
            "--out",
            out,
            "--seconds",
            "600",
            "--stop-file",
            stop,
        ]
        command += ["--topics", "1", "--partitions", "6", "--rate", "40", "--faults"]
        ledger = subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            until((out / "ready").exists, "a client that writes to every partition", 60)
            ec2 = boto3.client("ec2")
            boot = broker.boot()
            ec2.stop_instances(InstanceIds=[broker.id])
            say("stopped")
            ec2.start_instances(InstanceIds=[broker.id])
            until(lambda: broker.boot() not in ("", boot), "another boot", 180)
            until(lambda: broker.ssh("systemctl is-active kafka") == "active", "Kafka running", 180)
            assert broker.ssh("ls /dev/disk/by-id") != disks, "the disks are still the same"
            assert broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0") != uuid, (
                "the file system is still the same"
            )
            broker.caught_up()
            stop.touch()
            said, _err = ledger.communicate(timeout=180)
        finally:
            if ledger.poll() is None:
                ledger.kill()
        say(said[-1500:])
        assert ledger.returncode == 0, "the ledger has something to complain about"


def enforce(on: bool) -> None:
    """Whether the API asks for permissions."""
    request = urllib.request.Request(
        ENDPOINT + "/moto-api/reset-auth",
        data=b"0" if on else b"inf",
        method="POST",
        headers={"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def administrator() -> dict[str, str]:
    """Credentials of somebody who may do everything, for when the API asks for permissions."""
    iam, name = boto3.client("iam"), "administrator"
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def play(name: str, *options: str, **env: str) -> str:
    """Run one of the collection's playbooks; ends the program when it fails."""
    command = [
        "ansible-playbook",
        "-i",
        str(ROOT / "inventories/lab"),
        str(ROOT / "playbooks" / (name + ".yml")),
        *options,
    ]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        sys.exit("%s\n%s ended with %d." % (run.stdout, " ".join(command), run.returncode))
    say("%s is done" % name)
    return run.stdout


def denied() -> None:
    """Without permission the store stays locked over a reboot; with it, it opens by itself, as it was."""
    broker = Broker()
    uuid = broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0")
    iam = boto3.client("iam")
    role = broker.instance["IamInstanceProfile"]["Arn"].rsplit("/", 1)[-1]
    name = CLUSTER + "-unlock"
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    key = administrator()
    as_admin = boto3.session.Session(
        aws_access_key_id=key["AWS_ACCESS_KEY_ID"], aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"]
    )
    enforce(True)
    try:
        as_admin.client("iam").delete_role_policy(RoleName=role, PolicyName=name)
        boot = broker.boot()
        as_admin.client("ec2").reboot_instances(InstanceIds=[broker.id])
        until(lambda: broker.boot() not in ("", boot), "another boot", 120)
        journal = "journalctl --boot --output cat --unit kafka-luks@d0"
        until(lambda: "locked:" in broker.ssh(journal), "a store that stays locked", 60)
        until(
            lambda: broker.ssh("systemctl show -P StatusText kafka-luks@d0").startswith("locked:"),
            "a status that says so",
            5,
        )
        # Long enough for a second attempt, which says nothing new.
        time.sleep(20)
        lines = [line for line in broker.ssh(journal).splitlines() if "locked:" in line]
        assert len(lines) == 1 and "AccessDenied" in lines[0], lines
        say(lines[0])
        assert broker.ssh("systemctl is-active kafka") in ("inactive", "activating"), "Kafka runs without its store"
        assert broker.ssh("pgrep -u kafka java") == "", "Kafka runs without its store"
        assert broker.ssh("mountpoint /var/lib/kafka/data0; ls /dev/mapper").split() == [
            "/var/lib/kafka/data0",
            "is",
            "not",
            "a",
            "mountpoint",
            "control",
        ]
        assert broker.ssh("stat -c '%U %a' /var/lib/kafka/data0; lsattr -d /var/lib/kafka/data0 | cut -c5").split() == [
            "root",
            "0",
            "i",
        ]
        assert broker.ssh("touch /var/lib/kafka/data0/x && echo written") == "", (
            "somebody can write where the store belongs"
        )
        as_admin.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
        until(lambda: broker.ssh("systemctl is-active kafka") == "active", "Kafka running, without anybody's help", 120)
    finally:
        enforce(False)
    assert broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0") == uuid, "the file system is another one"
    assert broker.ssh("ls /run/kafka-luks/d0.fresh") == "", "the store was formatted"
    broker.caught_up()


def revoked() -> None:
    """revoke stops Kafka, closes the store and proves it; what was taken stays taken, until grant gives it back."""
    broker = Broker()
    key = administrator()
    options = [*NAMED, "-e", "kafka_confirm=" + CLUSTER]
    enforce(True)
    try:
        said = play("revoke", *options, **key)
        assert "AccessDenied" in said, said
        assert broker.ssh("systemctl is-active kafka") == "inactive", "Kafka runs without permission"
        assert broker.ssh("ls /dev/mapper") == "control", "the store is open"
        # Nothing that builds the AWS side gives it back.
        play("key_custody", **key)
        assert "AccessDenied" in broker.ssh("kafka-luks check d0 2>&1"), "a later run gave the key back"
        # A roll goes on without it, and says so; by hand it does not start either.
        assert "is out of service since" in " ".join(play("rolling_restart", **key).split())
        broker.ssh("systemctl start --no-block kafka")
        assert broker.ssh("systemctl is-active kafka") == "inactive", "Kafka was started without permission"
        play("grant", *options, **key)
        until(lambda: broker.ssh("systemctl is-active kafka") == "active", "Kafka running", 60)
    finally:
        enforce(False)
    broker.caught_up()


def header(broker: Broker, place: str = DISK) -> dict[str, Any]:
    """What cryptsetup reads on the disk, or in a copy of its header."""
    return json.loads(broker.ssh("cryptsetup luksDump --dump-json-metadata " + place))


def wrapped(broker: Broker) -> dict[str, Any]:
    """The one wrapped key that the host knows; in the bucket there is no other version of it."""
    (key,) = json.loads(broker.ssh("cat /etc/kafka-luks/d0.json"))["keys"]
    listed = boto3.client("s3").list_object_versions(Bucket=key["bucket"], Prefix=key["key"])
    assert [each["VersionId"] for each in listed["Versions"]] == [key["version_id"]], listed
    return key


def rotated() -> None:
    """Another key opens the store, and the old one is gone everywhere, from copies of the header, too; Kafka does not notice. A copy saves a header."""
    broker = Broker()
    process, before = broker.ssh("systemctl show -P MainPID kafka"), wrapped(broker)
    play("backup_headers")
    copy = "/var/lib/kafka-luks/headers/d0.luks"
    assert header(broker, copy) == header(broker) and broker.ssh("stat -c %a " + copy) == "400"
    old = header(broker)
    play("rotate_keys", "-e", "kafka_confirm=" + CLUSTER)
    assert wrapped(broker)["version_id"] != before["version_id"]
    now = header(broker)
    assert len(now["keyslots"]) == 1 and now["keyslots"] != old["keyslots"] and header(broker, copy) == now, now
    assert broker.ssh("systemctl show -P MainPID kafka") == process, "Kafka was restarted"
    said = play("verify_unlock")
    assert "the key can be unwrapped and opens the volume" in " ".join(said.split()), said
    uuid = broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0")
    broker.ssh(
        "systemctl stop kafka kafka-luks@d0 && dd if=/dev/urandom of=%s bs=1M count=16 conv=fsync && systemctl start kafka-luks@d0"
        % DISK
    )
    assert "refused, and nothing was changed" in broker.ssh(
        "journalctl --boot --output cat --unit kafka-luks@d0 --lines 20"
    ), "damage is not seen"
    play("restore_headers", *NAMED, "-e", "kafka_confirm=" + CLUSTER)
    assert (
        broker.ssh("systemctl is-active kafka") == "active"
        and broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0") == uuid
    )
    assert header(broker)["keyslots"] == now["keyslots"]
    broker.caught_up()


def renewed() -> None:
    """The volume's own key is another; the broker was emptied and has got everything back before the play ends."""
    broker = Broker()
    uuid, before, digests = (
        broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0"),
        wrapped(broker),
        header(broker)["digests"],
    )
    play("renew_stores", *NAMED, "-e", "kafka_confirm=" + CLUSTER)
    every, in_sync = broker.replicas()
    assert 0 < every == in_sync, "the play ended before the replicas were in sync"
    assert broker.ssh("blkid -o value -s UUID /dev/mapper/kafka-d0") not in ("", uuid), (
        "the file system is still the same"
    )
    assert wrapped(broker)["version_id"] != before["version_id"], "the wrapped key is still the same"
    assert [each["digest"] for each in header(broker)["digests"].values()] != [
        each["digest"] for each in digests.values()
    ], "the volume key is still the same"
    assert broker.ssh("ls /var/lib/kafka-luks/headers") == "", "a copy of the old header is left"


def erased() -> None:
    """Nothing is left that could open the store: no header, no copy, no wrapped key."""
    broker = Broker()
    key = wrapped(broker)
    said = play("erase_stores", *NAMED, "-e", "kafka_confirm=erase-%s-broker-%d" % (CLUSTER, NODE))
    assert "does not exist" in " ".join(said.split()), said
    assert broker.ssh("systemctl is-active kafka") == "inactive" and broker.ssh("ls /dev/mapper") == "control"
    raw = (INSTANCES / broker.id / "store0.img").open("rb").read(32 << 20)
    assert b"LUKS\xba\xbe" not in raw and b"SKUL\xba\xbe" not in raw, "a header is left on the raw disk"
    left = boto3.client("s3").list_object_versions(Bucket=key["bucket"], Prefix=key["key"])
    assert "Versions" not in left and "DeleteMarkers" not in left, left


if __name__ == "__main__":
    {each.__name__: each for each in (stop_start, denied, revoked, rotated, renewed, erased)}[sys.argv[1]]()
