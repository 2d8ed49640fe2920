# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Encrypted stores without Ansible on the host.

There is an archive of their files, and user data that fetch it at the first boot. User data are limited to 16 KB, and
readable by any caller who may describe the instance: they hold names and digests only.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from . import files as stores_files

# EC2's limit, before base64.
LARGEST = 16384
PACKAGES = {
    "apt-get": ("cryptsetup-bin", "python3-boto3", "xfsprogs"),
    "dnf": ("cryptsetup", "python3-boto3", "xfsprogs"),
}
USER_DATA = '''\
#!/usr/bin/python3
# Opens encrypted stores at every boot from now on. Runs once, at the first boot; nothing in it is secret.
import hashlib, io, json, os, shutil, subprocess, sys, tarfile, time, urllib.request

FACTS = json.loads("""%(facts)s""")


def insist(what, attempt):
    """The network, the mirror or the service may come late."""
    wait = 1
    while True:
        try:
            return attempt()
        except Exception as error:
            print("%%s: %%s; next attempt in %%d s" %% (what, type(error).__name__, wait), file=sys.stderr, flush=True)
        time.sleep(wait)
        wait = min(60, 2 * wait)


def install():
    for tool, packages in FACTS["packages"].items():
        if shutil.which(tool):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            if tool == "apt-get":
                subprocess.run([tool, "update", "-q"], check=True, env=environment)
            subprocess.run([tool, "install", "-y", "-q", *packages], check=True, env=environment)
            return


def ready():
    python = subprocess.run(["/usr/bin/python3", "-c", "import boto3"], capture_output=True).returncode == 0
    return python and all(shutil.which(tool, path="/usr/sbin:/sbin:/usr/bin") for tool in ("cryptsetup", "mkfs.xfs"))


def fetch():
    import boto3

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    s3 = boto3.session.Session(region_name=FACTS["region"]).client("s3", endpoint_url=endpoint)
    content = s3.get_object(Bucket=FACTS["bucket"], Key=FACTS["key"], ExpectedBucketOwner=FACTS["owner"])["Body"].read()
    if hashlib.sha256(content).hexdigest() != FACTS["sha256"]:
        raise ValueError("another digest")
    return content


if not ready():
    insist("packages", install)
content = insist("s3://%%s/%%s" %% (FACTS["bucket"], FACTS["key"]), fetch)
os.umask(0o022)
with tarfile.open(fileobj=io.BytesIO(content)) as archive:
    archive.extractall("/")
subprocess.run(["systemctl", "daemon-reload"], check=True)
subprocess.run(["systemctl", "enable", "--quiet", *FACTS["units"]], check=True)
# Not waited for: a store that waits for its key must not keep the rest of the boot.
subprocess.run(["systemctl", "start", "--no-block", *FACTS["units"]], check=True)
'''


class StoreLaunchError(RackawareError):
    """The stores cannot be set up at boot."""


def archive(files: Mapping[str, Mapping[str, str]]) -> bytes:
    """The same bytes for the same files, so that its digest can be its name."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed,
        tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT) as tar,
    ):
        directories = stores_files.file_set(files)["directories"]
        for directory in sorted(directories, key=lambda directory: directory["path"]):
            entry = tarfile.TarInfo(directory["path"].lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, int(directory["mode"], 8)
            tar.addfile(entry)
        for path in sorted(files):
            content = files[path]["content"].encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = int(files[path]["mode"], 8), len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def launch(
    stores: Sequence[Mapping[str, Any]], *, bucket: str, prefix: str, region: str, owner: str, **more: Any
) -> dict[str, str]:
    """{object_key, content (base64), sha256, user_data (base64)}; more is for _stores.files.files.

    Raises RackawareError.
    """
    content = archive(stores_files.files(stores, **more))
    digest = hashlib.sha256(content).hexdigest()
    key = "%s/launch/%s.tar.gz" % (prefix.strip("/"), digest)
    facts = {
        "bucket": bucket,
        "key": key,
        "sha256": digest,
        "region": region,
        "owner": owner,
        "packages": PACKAGES,
        "units": stores_files.units(stores),
    }
    text = USER_DATA % {"facts": json.dumps(facts, indent=1, sort_keys=True).replace("\\", "\\\\")}
    if len(text.encode()) > LARGEST:
        raise StoreLaunchError(
            "The user data of %d stores have %d bytes, and EC2 takes %d; use fewer stores."
            % (len(stores), len(text.encode()), LARGEST)
        )
    return {"object_key": key, "content": _base64(content), "sha256": digest, "user_data": _base64(text.encode())}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
