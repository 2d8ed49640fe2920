# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every Kafka module connects to the cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that speaks Kafka's protocol; the spec is CONNECTION_SPEC in _kafka/connection.py."""

    DOCUMENTATION = r"""
options:
  bootstrap_servers:
    description:
      - Brokers to connect to first, as V(host:port).
      - Give several, because the first that answers is used.
    type: list
    elements: str
    required: true
  security_protocol:
    description: The security protocol of the brokers' listener.
    type: str
    choices: [PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL]
    default: PLAINTEXT
  sasl_mechanism:
    description: The SASL mechanism, for O(security_protocol=SASL_PLAINTEXT) and O(security_protocol=SASL_SSL).
    type: str
    choices: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512]
  sasl_username:
    description: The user name for SASL.
    type: str
  sasl_password_file:
    description: A file on the host that contains the password. The password itself is never a parameter.
    type: path
  ssl_cafile:
    description: A PEM file on the host with the certificates of trusted authorities.
    type: path
  ssl_certfile:
    description: A PEM file on the host with the client's certificate.
    type: path
  ssl_keyfile:
    description: A PEM file on the host with the client's private key.
    type: path
  ssl_check_hostname:
    description: Whether the broker's certificate must name the host that was connected to.
    type: bool
    default: true
  request_timeout_seconds:
    description: Seconds that one request may take.
    type: int
    default: 30
requirements:
  - kafka-python >= 3.0.12, < 3.1 (the role P(rackaware.kafka.kafka_install#role) puts it into /opt/kafka-admin)
"""
