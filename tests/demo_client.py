"""How the demo's user gets in: python tests/demo_client.py CLUSTER SERVERS. It writes the files, and prints a command for each kind of client."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import client_file

# Declared in inventories/demo-objects.yml.
USER, TOPIC, FOREIGN = "demo", "demo-orders", "orders"
TEXT = """\
The user {user} may write and read the topics and groups whose names begin with {user}- (inventories/demo-objects.yml).
How it gets in, its password included: {properties}. Paste, in this shell:

  eval "$(make -s env{metadata})"

Kafka's own tools:

{console}

Python:

{python}

kcat, with librdkafka 2.6.1 or later (kcat -V says which it has):

{kcat}

What is refused, here in Python: a client without a name, and a topic of others.

{plaintext}
      {plaintext_said}
{foreign}
      {foreign_said}
"""
KCAT = """\
security.protocol=SASL_SSL
ssl.ca.location={authority}
sasl.mechanism=SCRAM-SHA-512
sasl.username={user}
sasl.password={password}
"""


def commands(cluster: str, servers: str, tools: str = "reports/kafka/bin") -> dict[str, str]:
    """A shell command for each client, and two that are refused; tools is where Kafka's scripts are."""
    properties, conf = "reports/%s-%s.properties" % (cluster, USER), "reports/%s-%s.conf" % (cluster, USER)
    console = "%s/kafka-console-%s.sh --bootstrap-server %s --command-config %s --topic %s"
    python = (
        'python -c \'import client_file, kafka\nlogin = client_file.client_options(client_file.REPORTS / "%s")\n'
        'print(kafka.KafkaProducer(bootstrap_servers="%s", **login).send("%s", b"one").get(30))\''
    )
    kcat = "kcat -b %s -F %s -t %s" % (servers, conf, TOPIC)
    return {
        "console": "echo one | %s\n%s --group %s-console --from-beginning --max-messages 1"
        % (
            console % (tools, "producer", servers, properties, TOPIC),
            console % (tools, "consumer", servers, properties, TOPIC),
            USER,
        ),
        "python": python % (Path(properties).name, servers, TOPIC),
        "kcat": "echo one | %s -P\n%s -C -o beginning -c 1" % (kcat, kcat),
        "plaintext": "python -c 'import kafka; kafka.KafkaProducer(bootstrap_servers=\"%s\")'" % servers,
        "foreign": python % (Path(properties).name, servers, FOREIGN),
    }
