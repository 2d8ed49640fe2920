"""A real broker on loopback whose clients show tickets of a real KDC at one of its listeners, and a client in Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from kafka_cluster import free_ports
from kerberos import Kdc
from tls_broker import LISTENERS, TlsBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._config import kerberos, properties, security

REALM, HOST = "DEMO.EXAMPLE.COM", "localhost"
PACKAGES = Path("/usr/lib/python3/dist-packages")
# One record, and what became of it. The library would try again for as long as it may: a third lost connection is enough.
PRODUCE = """
import json, logging, os, sys
from kafka import KafkaProducer

class Lost(logging.Handler):
    times = 0

    def emit(self, record):
        if "Connection lost" in record.getMessage():
            self.times += 1
            if self.times == 3:
                print("refused three times:", record.getMessage(), flush=True)
                os._exit(1)

logging.getLogger("kafka").addHandler(Lost())
login = json.loads(sys.argv[1])
try:
    producer = KafkaProducer(**login, bootstrap_timeout_ms=20000, max_block_ms=20000, acks="all")
    producer.send("orders", b"one").get(20)
    print("written")
except Exception as error:
    print(type(error).__name__, error)
"""


class KerberosBroker(TlsBroker):
    """A context manager, with its KDC in .kdc; .keytab is the broker's."""

    listeners = {**LISTENERS, "KERBEROS": "SASL_SSL"}

    def __init__(self, mode: str, home: Path) -> None:
        super().__init__(mode, home)
        self.keystore = self.authority.sign("kafka", host=HOST)
        self.kdc = Kdc(home / "kdc", REALM, free_ports(1)[0])
        self.keytab, self.krb5 = home / "kafka.keytab", home / "krb5.conf"
        self.krb5.write_text(kerberos.config(REALM, "of the test"))
        # gssapi is Debian's, as it has no wheel; nothing else of Debian's is to be found.
        (home / "python").mkdir()
        for name in ("gssapi", "decorator.py"):
            (home / "python" / name).symlink_to(PACKAGES / name)
        self.address = "%s:%s" % (HOST, self.at["KERBEROS"].rpartition(":")[2])

    def __enter__(self) -> KerberosBroker:
        self.kdc.__enter__()
        made = self.kdc.add("kafka/" + HOST)
        self.keytab.write_bytes(made.read_bytes())
        return self

    def __exit__(self, *given: object) -> None:
        super().__exit__(*given)
        self.kdc.__exit__()

    def more(self) -> dict:
        listener = {"name": "KERBEROS", "protocol": "SASL_SSL", "mechanisms": ["GSSAPI"]}
        cluster = {
            "security": "tls",
            "cluster": "demo",
            "controllers": [1],
            "listeners": [listener],
            "kerberos_realm": REALM,
        }
        ours = security.kafka(cluster, broker=True, host=HOST)
        ours = {name: value for name, value in ours.items() if "kerberos" in name}
        texts = {
            name: properties.text(value).replace(kerberos.KEYTAB, str(self.keytab)) for name, value in ours.items()
        }
        at = ",".join(
            "%s://%s" % (name, self.address if name == "KERBEROS" else self.at[name]) for name in self.listeners
        )
        return {**texts, "advertised.listeners": at}

    def start(self, node: int) -> None:
        config = "-Djava.security.krb5.conf=%s" % self.krb5
        self._java("broker-%d" % node, config, "kafka.Kafka", str(self.properties(node)))

    def login(self) -> dict:
        """The arguments of a client of kafka-python."""
        return {
            **{"bootstrap_servers": [self.address], "security_protocol": "SASL_SSL"},
            **{"ssl_cafile": str(self.authority.file), "sasl_mechanism": "GSSAPI"},
            "sasl_kerberos_service_name": "kafka",
        }

    def python(self, code: str, *arguments: str, env: dict, kdc: Kdc | None = None, cwd: Path | None = None) -> str:
        """What a client prints; env has its keytab or cache, kdc another one than the broker's."""
        path = os.pathsep.join([str(self.home / "python"), *(each for each in sys.path if each)])
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**(kdc or self.kdc).env, "PYTHONPATH": path, **env},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr

    def produce(self, *, kdc: Kdc | None = None, **env: str) -> str:
        """What became of one record: written, or the error."""
        return self.python(PRODUCE, json.dumps(self.login()), env=env, kdc=kdc)

    def produce_as(self, keytab: Path, kdc: Kdc | None = None) -> str:
        """The same with a fresh ticket for the first principal of a keytab."""
        return self.produce(kdc=kdc, KRB5_CLIENT_KTNAME=str(keytab), KRB5CCNAME="MEMORY:")
