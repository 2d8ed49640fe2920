"""How the demo's user gets in: python tests/demo_client.py CLUSTER SERVERS METADATA. It writes the files, and prints a command for each client."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import client_file

from lab import archives

# Declared in inventories/demo-objects.yml.
USER, TOPIC, FOREIGN = "demo", "demo-orders", "orders"
TEXT = """\
The user {user} may write and read the topics and groups that begin with {user}- (inventories/demo-objects.yml), and nothing else.
Its password is in {properties}, and in {conf} for kcat; only their owner can read them. Paste in this directory:

eval "$(make -s env METADATA={metadata})"

# Kafka's own tools
{console}

# Python
{python}

# kcat; it needs librdkafka 2.6.1 (kcat -V says which it has)
{kcat}

Refused: a client without a name, whose words are the same as for a broker that is not there, and a topic of others.

{plaintext}
#   {plaintext_says}
{foreign}
#   {foreign_says}

What the words of other clients mean: docs/clients.md.
"""
# The ends of what the two print.
SAYS = {
    "plaintext_says": "KafkaTimeoutError: Unable to bootstrap from {servers}",
    "foreign_says": "TopicAuthorizationFailedError: {foreign}",
}
CONSOLE = (
    "reports/kafka/bin/kafka-console-%s.sh --bootstrap-server {servers} --command-config {properties} --topic {topic}"
)
PYTHON = """\
python -c 'import client_file, kafka
login = client_file.client_options(client_file.REPORTS / "{name}")
print(kafka.KafkaProducer(bootstrap_servers="{servers}", **login).send("%s", b"one").get(30))'"""
KCAT = "kcat -F {conf} -b {servers} -t {topic}"
COMMANDS = {
    "console": "echo one | %s\n%s --group {user}-console --from-beginning --max-messages 1"
    % (CONSOLE % "producer", CONSOLE % "consumer"),
    "python": PYTHON % TOPIC,
    "kcat": "echo one | %s -P\n%s -C -o beginning -c 1" % (KCAT, KCAT),
    "plaintext": "python -c 'import kafka; kafka.KafkaProducer(bootstrap_servers=\"{servers}\", bootstrap_timeout_ms=5000)'",
    "foreign": PYTHON % FOREIGN,
}
KCAT_FILE = """\
security.protocol=SASL_SSL
ssl.ca.location=%s
sasl.mechanism=SCRAM-SHA-512
sasl.username=%s
sasl.password=%s
"""


def values(cluster: str, servers: str) -> dict[str, str]:
    """What the commands and the text are filled with, the commands among them."""
    name = "%s-%s.properties" % (cluster, USER)
    files = {"name": name, "properties": "reports/" + name, "conf": "reports/%s-%s.conf" % (cluster, USER)}
    named = {"servers": servers, "user": USER, "topic": TOPIC, "foreign": FOREIGN, **files}
    return {**named, **{key: text.format(**named) for key, text in {**COMMANDS, **SAYS}.items()}}


def write_files(cluster: str, reports: Path) -> None:
    """Of Kafka's tools and of kcat, with the password that the playbook objects has made."""
    password = (reports / ("%s-%s-password" % (cluster, USER))).read_text().strip()
    authority = reports / (cluster + "-ca.pem")
    client_file.write(reports / ("%s-%s.properties" % (cluster, USER)), client_file.scram(USER, password, authority))
    client_file.write(reports / ("%s-%s.conf" % (cluster, USER)), KCAT_FILE % (authority, USER, password))


def unpack_tools(reports: Path) -> None:
    """Kafka's own, of the newest version that the lab has: it talks to the brokers of all."""
    newest = archives.archive(archives.VERSIONS[-1])
    with tarfile.open(newest) as archive:
        archive.extractall(reports)
    link = reports / "kafka"
    link.unlink(missing_ok=True)
    link.symlink_to(newest.name.removesuffix(".tgz"))


if __name__ == "__main__":
    cluster, servers, metadata = sys.argv[1:]
    write_files(cluster, client_file.REPORTS)
    unpack_tools(client_file.REPORTS)
    print(TEXT.format(metadata=metadata, **values(cluster, servers)))
