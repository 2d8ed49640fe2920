"""The end of an encrypted store."""

from __future__ import annotations

import boto3
from encrypted_broker import EncryptedBroker

from lab.settings import INSTANCES


def test_nothing_is_left_that_could_open_it(cluster):
    """No header, no copy, no wrapped key."""
    broker = EncryptedBroker(cluster)
    key = broker.wrapped_key()
    broker.play("erase_stores", kafka_confirm="erase-" + broker.name).says("does not exist")
    assert broker.says("systemctl is-active kafka") == "inactive"
    assert broker.says("ls /dev/mapper") == "control"
    with (INSTANCES / broker.instance / "store0.img").open("rb") as disk:
        start = disk.read(32 << 20)
    assert b"LUKS\xba\xbe" not in start
    assert b"SKUL\xba\xbe" not in start
    left = boto3.client("s3").list_object_versions(Bucket=key["bucket"], Prefix=key["key"])
    assert "Versions" not in left
    assert "DeleteMarkers" not in left
