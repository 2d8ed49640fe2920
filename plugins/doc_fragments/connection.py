# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every Kafka module reaches the cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """The same options for every module that speaks Kafka's protocol; the spec of the same name is in module_utils/_kafka/client.py."""

    DOCUMENTATION = r"""
options:
  bootstrap_servers:
    description:
      - Brokers to ask first, as V(host:port).
      - Several are worth giving, because the first that answers is used.
    type: list
    elements: str
    required: true
  security_protocol:
    description: How to speak to the brokers' listener.
    type: str
    choices: [PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL]
    default: PLAINTEXT
  sasl_mechanism:
    description: The SASL mechanism, for O(security_protocol=SASL_PLAINTEXT) and O(security_protocol=SASL_SSL).
    type: str
    choices: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512]
  sasl_username:
    description: The user, for the SASL mechanisms.
    type: str
  sasl_password_file:
    description: A file on the host whose content is the password; the password itself is never a parameter.
    type: path
  ssl_cafile:
    description: PEM file on the host with the certificates of the authorities to trust.
    type: path
  ssl_certfile:
    description: PEM file on the host with the client's certificate.
    type: path
  ssl_keyfile:
    description: PEM file on the host with the client's private key.
    type: path
  ssl_check_hostname:
    description: Whether the broker's certificate must name the host that was asked.
    type: bool
    default: true
  request_timeout_seconds:
    description: How long one request may take.
    type: int
    default: 30
requirements:
  - kafka-python >= 3.0.12, < 3.1 (the role P(rackaware.kafka.kafka_install#role) puts it into /opt/kafka-admin)
"""
