"""A stand-in of the AWS API on loopback, and the playbooks run against it as a person runs them."""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import yaml
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
REGION = "eu-west-1"
TOPOLOGY = {
    "name": "demo",
    "region": REGION,
    "vpc_cidr": "198.18.0.0/20",
    "zones": [{"name": REGION + letter, "cidr": "198.18.%d.0/24" % number} for number, letter in enumerate("abc", 1)],
    "client_cidrs": ["198.18.0.0/20"],
    "admin_cidrs": ["198.18.0.1/32"],
    "image": "name:rackaware-debian-13",
    "tags": {"Team": "streaming"},
    "brokers": {"instance_type": "m6i.large", "volumes": {"type": "st1", "size_gb": 125}, "count": 3},
    "zookeepers": {"instance_type": "m6i.large", "volumes": {"type": "gp3", "size_gb": 20}, "count": 3},
}


@dataclass
class Run:
    """What a command said."""

    code: int
    text: str

    @property
    def changed(self) -> int:
        """The recap's count; a run without one has failed before its first task."""
        found = re.search(r"changed=(\d+)", self.text)
        assert found, self.text
        return int(found[1])

    def refused(self, sentence: str) -> None:
        """It stopped with the sentence, and nothing was changed before."""
        assert self.code != 0, self.text
        # The YAML callback folds long lines.
        assert sentence in " ".join(self.text.split()), self.text
        assert "changed=0" in self.text, self.text


class Account:
    """One account in one stand-in, empty at first."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self.directory = directory
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_", "KAFKA_"))},
            "PATH": "%s:%s" % (BIN, os.environ["PATH"]),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(directory / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            # amazon.aws 10.1.2 templates its filters in a way that core 2.19 deprecates, whatever is in them.
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "KAFKA_CLUSTER": "demo",
            # The instances are names only: no packet leaves for their addresses.
            "ANSIBLE_SSH_COMMON_ARGS": "-o ProxyCommand=/bin/false",
        }
        keys = {
            "endpoint_url": endpoint,
            "region_name": REGION,
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
        }
        self.ec2 = boto3.client("ec2", **keys)
        self.iam = boto3.client("iam", **keys)
        for name in ("rackaware-debian-12", "rackaware-debian-13"):
            self.ec2.register_image(Name=name, Architecture="x86_64", RootDeviceName="/dev/xvda")

    def _run(self, *command: str, **env: str) -> Run:
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env={**self.env, **env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        return Run(done.returncode, done.stdout)

    def play(self, playbook: str, topology: Any = None, *options: str, **env: str) -> Run:
        """Run one of the collection's playbooks for a topology."""
        file = self.directory / "topology.yml"
        file.write_text(yaml.safe_dump({} if topology is None else {"kafka_topology": topology}))
        return self._run(
            "ansible-playbook", "playbooks/%s.yml" % playbook, "-i", "localhost,", "-e", "@%s" % file, *options, **env
        )

    def playbook(self, path: Path, *options: str, **env: str) -> Run:
        """Run any playbook."""
        return self._run("ansible-playbook", str(path), *options, **env)

    def inventory(self, path: str, **env: str) -> dict[str, Any]:
        """What ansible-inventory --list says, warnings being errors."""
        run = self._run("ansible-inventory", "-i", path, "--list", **env)
        assert run.code == 0, run.text
        assert "WARNING" not in run.text, run.text
        return json.loads(run.text, object_hook=lambda found: found.get("__ansible_unsafe", found))

    def instances(self, *states: str) -> dict[str, dict[str, Any]]:
        """Instances of the cluster by Name, with their tags as a dict."""
        filters = [
            {"Name": "instance-state-name", "Values": list(states) or ["pending", "running", "stopping", "stopped"]}
        ]
        out: dict[str, dict[str, Any]] = {}
        for reservation in self.ec2.describe_instances(Filters=filters)["Reservations"]:
            for instance in reservation["Instances"]:
                instance["tags"] = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
                assert instance["tags"]["Name"] not in out, "two instances are named %s" % instance["tags"]["Name"]
                out[instance["tags"]["Name"]] = instance
        return out

    def volumes(self) -> dict[str, dict[str, Any]]:
        """Data volumes by node and number, with their tags as a dict."""
        out: dict[str, dict[str, Any]] = {}
        for volume in self.ec2.describe_volumes(Filters=[{"Name": "tag-key", "Values": ["KafkaVolume"]}])["Volumes"]:
            volume["tags"] = {tag["Key"]: tag["Value"] for tag in volume["Tags"]}
            name = "%s-data%s" % (volume["tags"]["Name"], volume["tags"]["KafkaVolume"])
            assert name not in out, "two volumes are %s" % name
            out[name] = volume
        return out


@pytest.fixture(scope="session")
def endpoint() -> Any:
    """Where the stand-in of the AWS API answers."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://%s:%d" % server.get_host_and_port()
    server.stop()


@pytest.fixture(scope="module")
def account(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """An empty account for each file, whose tests build on each other in order; which files went before is chance."""
    requests.post(endpoint + "/moto-api/reset", timeout=60).raise_for_status()
    return Account(endpoint, tmp_path_factory.mktemp("aws"))


@pytest.fixture()
def topology() -> dict[str, Any]:
    """A cluster of three brokers and three ZooKeeper nodes, to be changed at will."""
    return copy.deepcopy(TOPOLOGY)
