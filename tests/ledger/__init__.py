# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: a client that writes down every acknowledgement, and says afterwards what became of each record.

What counts as loss follows Kafka's own system tests (ducktape: acked minus consumed) and Jepsen's Kafka tests (a record at
its own offset, order, duplicates). `python -m ledger run` produces and reads back, `python -m ledger verify` judges again.
"""
