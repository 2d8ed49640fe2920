"""Kafka in the layout of the official archive, made from the jars of Maven Central, and the wheels of the modules' client."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from .images import Say, lock
from .settings import CACHE
from .shell import run

VERSIONS = ("3.8.1", "3.9.2", "4.0.2", "4.3.1")
ARCHIVES = CACHE / "archives"
WHEELS = CACHE / "wheels"
CLIENT = "kafka-python==3.0.12"
ARTIFACTS = ("kafka_2.13", "kafka-tools", "connect-mirror", "connect-runtime")

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>rackaware</groupId><artifactId>kafka-archive</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>%s</dependencies></project>
"""
_DEPENDENCY = "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>"
# What the official archive has in libs and the jars' own poms leave out: logging is the application's choice.
_LOGGING = {
    "3": (("org.slf4j", "slf4j-reload4j", "1.7.36"),),
    "4": (("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.1"),),
}
_TOOLS = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-metadata-quorum.sh": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}
# Where Kafka 3 has another class.
_TOOLS_3 = {"kafka-console-producer.sh": "kafka.tools.ConsoleProducer"}
_SCRIPT = '#!/bin/sh\nexec java ${KAFKA_HEAP_OPTS:--Xmx256m} -cp "$(dirname "$0")/../libs/*" %s "$@"\n'


def scripts(version: str) -> dict[str, str]:
    """The text of each script in bin, by its name."""
    mains = {**_TOOLS, **(_TOOLS_3 if version.startswith("3") else {})}
    return {name: _SCRIPT % main for name, main in mains.items()}


def archive(version: str) -> Path:
    """The archive's path, whether it is built or not."""
    return ARCHIVES / ("kafka_2.13-%s.tgz" % version)


def ensure(version: str, say: Say) -> Path:
    """Build one version's archive and its SHA-512 file unless they are there."""
    target = archive(version)
    with lock("archive-" + version):
        if not target.with_name(target.name + ".sha512").exists():
            say("Building the archive of Kafka %s (half a minute, once) …" % version)
            ARCHIVES.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".archive-", dir=CACHE) as work:
                _build(version, Path(work), target)
    return target


def ensure_wheels(say: Say) -> None:
    """Download the client's wheel unless it is there."""
    with lock("wheels"):
        if not list(WHEELS.glob("kafka_python-%s-*.whl" % CLIENT.rpartition("=")[2])):
            say("Downloading the Kafka client of the modules …")
            WHEELS.mkdir(parents=True, exist_ok=True)
            run(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--dest",
                WHEELS,
                CLIENT,
            )


def _build(version: str, work: Path, target: Path) -> None:
    top = work / ("kafka_2.13-" + version)
    wanted = [("org.apache.kafka", name, version) for name in ARTIFACTS] + list(_LOGGING[version[0]])
    (work / "pom.xml").write_text(_POM % "".join(_DEPENDENCY % item for item in wanted))
    run("mvn", "--batch-mode", "--quiet", "--file", work / "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime",
        "-DoutputDirectory=%s" % (top / "libs"), timeout=1200)  # fmt: skip
    for name in ("bin", "config"):
        (top / name).mkdir()
    for name, text in scripts(version).items():
        script = top / "bin" / name
        script.write_text(text)
        script.chmod(0o755)
    (top / "config/README").write_text("The configuration is in /etc/kafka.\n")
    for jar in sorted((top / "libs").glob("kafka_2.13-*.jar")):
        _licence(jar, top)
    fresh = work / target.name
    _pack(top, fresh)
    digest = hashlib.sha512(fresh.read_bytes()).hexdigest()
    shutil.move(fresh, target)
    checksum = target.with_name(target.name + ".sha512")
    checksum.with_suffix(".new").write_text("%s  %s\n" % (digest, target.name))
    os.replace(checksum.with_suffix(".new"), checksum)


def _licence(jar: Path, top: Path) -> None:
    import zipfile

    with zipfile.ZipFile(jar) as content:
        for name in ("LICENSE", "NOTICE"):
            found = [entry for entry in content.namelist() if entry in (name, "META-INF/" + name)]
            if found:
                (top / name).write_bytes(content.read(found[0]))


def _pack(top: Path, target: Path) -> None:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = "root"
        return entry

    # No name and no time in gzip's header either: the same jars give the same checksum.
    with (
        open(target, "wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, 0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        tar.add(top, top.name, recursive=False, filter=plain)
        for path in sorted(top.rglob("*")):
            tar.add(path, path.relative_to(top.parent).as_posix(), recursive=False, filter=plain)
