"""The broker with the encrypted instance store, in a virtual machine, for those who have its cluster."""

from __future__ import annotations

import json
from typing import Any

import boto3
from cluster import Cluster, Run
from hosts import ssh


class EncryptedBroker:
    DISK = "$(ls /dev/disk/by-id/*Instance_Storage*)"
    COPY = "/var/lib/kafka-luks/headers/d0.luks"

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = cluster.name + "-broker-3"
        self.instance = cluster.instances[self.name]
        self.others = [name for name in cluster.brokers if name != self.name]

    def play(self, playbook: str, **more: Any) -> Run:
        """A playbook that works on this broker alone, and succeeds."""
        node = self.cluster.ids[self.name]
        return self.cluster.play(playbook, kafka_selected_nodes=[node], **more).succeeded()

    def says(self, command: str) -> str:
        """What a command says, also one that fails; empty while the host does not answer."""
        return ssh(self.cluster.nodes[self.name], command).stdout.strip()

    def boot(self) -> str:
        return self.says("cat /proc/sys/kernel/random/boot_id")

    def runs(self) -> bool:
        return self.says("systemctl is-active kafka") == "active"

    def file_system(self) -> str:
        return self.says("blkid -o value -s UUID /dev/mapper/kafka-d0")

    def in_sync(self) -> tuple[int, int]:
        """In how many in-sync sets it is, and of how many partitions it has replicas, as the others say."""
        return self.cluster.in_sync(self.name, self.others)

    def wait_until_in_sync(self) -> None:
        self.cluster.wait_until_in_sync(self.name, self.others)

    def header(self, place: str = DISK) -> dict[str, Any]:
        """What cryptsetup reads on the disk, or in a copy of its header."""
        return json.loads(self.says("cryptsetup luksDump --dump-json-metadata " + place))

    def digests(self) -> list[str]:
        """Of the volume key."""
        return [digest["digest"] for digest in self.header()["digests"].values()]

    def wrapped_key(self) -> dict[str, Any]:
        """The one wrapped key that the host knows; in the bucket there is no other version of it."""
        (key,) = json.loads(self.says("cat /etc/kafka-luks/d0.json"))["keys"]
        listed = boto3.client("s3").list_object_versions(Bucket=key["bucket"], Prefix=key["key"])
        assert [version["VersionId"] for version in listed["Versions"]] == [key["version_id"]]
        return key
