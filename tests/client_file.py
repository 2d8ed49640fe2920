"""How clients get in, from one file: the properties that Kafka's own tools take with --command-config.

A secured cluster of the lab has one, reports/<cluster>-client.properties; without it clients speak plaintext.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

REPORTS = Path(__file__).resolve().parents[1] / "reports"
# Our names for what Java calls otherwise: kafka-python's, which are those of the collection's modules as well.
FILES = {"ssl.truststore": ("ssl_cafile",), "ssl.keystore": ("ssl_certfile", "ssl_keyfile")}
LOGIN = re.compile(r'(username|password)="((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\(.)")
# Of a broker's host, and without a secret: the key stays in its file.
OPERATOR_FILE = "/run/kafka-operator.properties"
OPERATOR = """\
security.protocol=SSL
ssl.truststore.type=PEM
ssl.truststore.location=/etc/kafka/tls/truststore.pem
ssl.keystore.type=PEM
ssl.keystore.location=/etc/kafka/tls/operator.pem
"""


def find(cluster: str) -> Path | None:
    """The file of a cluster, None where it is open to everyone."""
    path = REPORTS / (cluster + "-client.properties")
    return path if path.exists() else None


def scram(user: str, password: str, authority: Path) -> str:
    """The text of a file for a listener with SASL_SSL."""
    # Escaped for JAAS, and then for Java's properties.
    quoted = re.sub(r'(["\\])', r"\\\1", password).replace("\\", "\\\\")
    return (
        "security.protocol=SASL_SSL\n"
        "sasl.mechanism=SCRAM-SHA-512\n"
        'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";\n'
        "ssl.truststore.type=PEM\n"
        "ssl.truststore.location=%s\n" % (user, quoted, authority)
    )


def write(path: Path, text: str) -> bool:
    """Write a file for its owner's eyes from the first byte on; whether it was another."""
    if path.exists() and path.read_text() == text and path.stat().st_mode & 0o077 == 0:
        return False
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    return True


def client_options(file: Path | None) -> dict[str, Any]:
    """The options of kafka-python's clients beside bootstrap_servers; raises OSError, and ValueError for other properties."""
    properties = _read(file) if file else {}
    options: dict[str, Any] = {}
    for name, value in properties.items():
        store, _, what = name.rpartition(".")
        if store in FILES and what == "location":
            options.update(dict.fromkeys(FILES[store], value))
        elif store in FILES and (what, value) == ("type", "PEM"):
            continue
        elif name in ("security.protocol", "sasl.mechanism"):
            options[name.replace(".", "_")] = value
        elif name == "sasl.jaas.config":
            login = {key: ESCAPE.sub(r"\1", text) for key, text in LOGIN.findall(value)}
            options.update(sasl_plain_username=login["username"], sasl_plain_password=login["password"])
        else:
            raise ValueError("%s is not known here" % name)
    return options


def connection_options(file: Path | None) -> dict[str, Any]:
    """The same for a Connection of the collection."""
    return {name.replace("sasl_plain_", "sasl_"): value for name, value in client_options(file).items()}


def _read(file: Path) -> dict[str, str]:
    """Java's properties, one a line."""
    lines = [line.strip() for line in file.read_text().splitlines()]
    pairs = [line.partition("=") for line in lines if line and line[0] not in "#!"]
    return {name.strip(): ESCAPE.sub(r"\1", value.strip()) for name, _, value in pairs}


def zookeeper_word(word: str, address: str, files: str = "/etc/zookeeper/tls", port: int = 2181) -> str:
    """A shell command of a ZooKeeper node that asks another one: over TLS where it has a certificate."""
    tls = (
        "echo {word} | openssl s_client -quiet -verify_quiet -verify_return_error -verify_ip {address} -connect {address}:{port}"
        " -CAfile {files}/truststore.pem -cert {files}/keystore.pem -key {files}/keystore.pem"
    )
    plain = "bash -c 'exec 3<>/dev/tcp/{address}/2181; echo {word} >&3; cat <&3'"
    text = "if [ -e {files}/keystore.pem ]; then %s; else %s; fi" % (tls, plain)
    return text.format(word=word, address=address, files=files, port=port)


if __name__ == "__main__":
    # File, user and the file of the CA; the password comes in by standard input.
    if write(Path(sys.argv[1]), scram(sys.argv[2], sys.stdin.read(), Path(sys.argv[3]))):
        print("written")
