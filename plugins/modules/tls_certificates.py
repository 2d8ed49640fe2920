#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which hosts of a cluster need certificates, and have them signed by a CA in KMS, in AWS Private CA, or the user's."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_certificates
short_description: Decide which hosts of a cluster need certificates, and have them signed
version_added: "0.1.0"
description:
  - Runs once on the controller, for all hosts, between M(rackaware.kafka.tls_request) and
    M(rackaware.kafka.tls_keystore).
  - With O(source=kms) the private key of the CA is a key in KMS, which makes each signature itself (C(kms:Sign)). It is
    made when it is missing. A run in which no host needs anything does not ask AWS.
  - With O(source=requests) the requests are written to O(requests_directory), and certificates that the user's own CA
    made of them are read from there.
  - With O(source=private_ca) the first of O(private_cas) signs, by the template C(EndEntityCertificate/V1).
  - Names and distinguished names come from O(hosts), which is the inventory's, and never from a request. A request that
    claims anything else is refused, and so is a certificate that does not fit.
  - Needs C(kms:DescribeKey), C(kms:GetPublicKey) and C(kms:Sign); to make the key also C(kms:CreateKey),
    C(kms:TagResource), C(kms:CreateAlias), C(kms:ScheduleKeyDeletion) and C(sts:GetCallerIdentity).
  - With O(source=private_ca) it needs C(acm-pca:DescribeCertificateAuthority),
    C(acm-pca:GetCertificateAuthorityCertificate), C(acm-pca:IssueCertificate), C(acm-pca:GetCertificate) and
    C(sts:GetCallerIdentity).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
options:
  cluster:
    description: The name of the cluster.
    type: str
    required: true
  hosts:
    description:
      - For each host C(identities), which the inventory says, and C(answer), the result of
        M(rackaware.kafka.tls_request). C(client_ca) is the PEM text of the CA that signs clients' certificates. The CA
        of nodes there is refused.
      - P(rackaware.kafka.tls_hosts#filter) makes it.
    type: dict
    required: true
  source:
    description: Who signs, the cluster's own CA in KMS, the user's own from requests in a directory, or AWS Private CA.
    type: str
    choices: [kms, requests, private_ca]
    default: kms
  requests_directory:
    description: Where requests are written to, and signed certificates and C(ca.pem) are read from. Required for
      O(source=requests).
    type: path
  private_cas:
    description: The ARNs of CAs of AWS Private CA. The first one signs, and hosts trust all of them. Required for
      O(source=private_ca).
    type: list
    elements: str
    default: []
  rotate:
    description: Whether AWS is asked even where no host needs anything, because M(rackaware.kafka.tls_rotation) has made
      a key that hosts do not know yet.
    type: bool
    default: false
  authority_file:
    description: Where to write RV(authority), for clients.
    type: path
  days:
    description: For how many days a certificate is valid.
    type: int
    default: 365
  renew_days:
    description: A certificate that expires in fewer days is replaced.
    type: int
    default: 60
  tags:
    description: Tags of the KMS key, when it is made.
    type: dict
    default: {}
requirements:
  - boto3 >= 1.35.0
  - cryptography >= 42.0.0
seealso:
  - module: rackaware.kafka.tls_request
  - module: rackaware.kafka.tls_keystore
"""

EXAMPLES = r"""
- name: Sign what hosts need
  rackaware.kafka.tls_certificates:
    cluster: demo
    region: eu-west-1
    hosts: "{{ groups['kafka_brokers'] | rackaware.kafka.tls_hosts(hostvars, tls_groups, 'demo', 'tls') }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
certificates:
  description: For each host that gets any, the new certificate and its chain as PEM, by the name of the identity.
  returned: success
  type: dict
authority:
  description: The certificates of the CA, which each host must trust, as PEM; empty in check mode before there is one.
  returned: success
  type: str
hosts:
  description: The hosts that M(rackaware.kafka.tls_keystore) must run on.
  returned: success
  type: list
  elements: str
reasons:
  description: For each host that needs a certificate, a sentence that says why.
  returned: success
  type: dict
  sample: {b1: "b1 needs a certificate (keystore: its certificate expires in 12 days)."}
missing:
  description: The files of requests that are not signed yet, and whose hosts can wait for it.
  returned: success
  type: list
  elements: str
key:
  description: The alias of the CA's key in KMS, where KMS was asked.
  returned: success
  type: str
"""

import datetime
import os

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils import _local_file
from ..module_utils._aws import authority_key, client, private_ca
from ..module_utils._errors import RackawareError
from ..module_utils._tls import certificates, decision, rotation
from ..module_utils._tls.identity import TlsError

SPEC = {
    "cluster": {"type": "str", "required": True},
    "hosts": {"type": "dict", "required": True},
    "source": {"type": "str", "choices": ["kms", "requests", "private_ca"], "default": "kms"},
    "private_cas": {"type": "list", "elements": "str", "default": []},
    "requests_directory": {"type": "path"},
    "rotate": {"type": "bool", "default": False},
    "authority_file": {"type": "path"},
    "days": {"type": "int", "default": 365},
    "renew_days": {"type": "int", "default": 60},
    "tags": {"type": "dict", "default": {}},
    **client.CONNECTION_SPEC,
}


def from_kms(params: dict, hosts: list, now: datetime.datetime, *, check_mode: bool) -> dict:
    """Sign with the cluster's own CA; AWS is asked only when a host needs anything."""
    from ..module_utils._tls import authority as ca

    cluster, rule = params["cluster"], {"renew_days": params["renew_days"], "exact": True}
    shared = decision.shared_authority(hosts, cluster, now, params["days"])
    if shared and not params["rotate"] and not decision.needs(hosts, [shared], now, **rule):
        return result([shared], {}, [], hosts)
    kms = client.client("kms", region=params["region"], profile=params["profile"])
    name, named = authority_key.alias(cluster), authority_key.named(kms, cluster, rotation.TRUSTED, rotation.RETIRED)
    retired, key = named.pop(rotation.RETIRED, None), named.pop(rotation.SIGNS, None)
    made = key is None
    if made:
        decision.refuse_lost_key(hosts, name)
        if check_mode:
            return {**result([], {}, decision.needs(hosts, [], now, **rule), hosts), "key": name, "changed": True}
        sts = client.client("sts", region=params["region"], profile=params["profile"])
        key = authority_key.make(kms, sts, name, cluster, params["tags"])
    known = [each for host in hosts for each in host.authorities + host.trusted]
    trusted = {}
    for each in [key, *named.values()]:
        found = ca.choose(known, cluster, each.public, now, params["days"])
        if found is None and check_mode:
            # The first one signs.
            signer = [trusted[key.public]] if trusted else []
            return {**result([], {}, decision.needs(hosts, signer, now, **rule), hosts), "key": name, "changed": True}
        trusted[each.public] = found or ca.make(cluster, ca.remote_key(each.public, each.sign), now, known)
    # In an order that stays while aliases move.
    authorities = [trusted[public] for public in sorted(trusted)]
    decision.refuse_another_authority(hosts, authorities)
    decision.refuse_unnamed(hosts, cluster, trusted, retired.public if retired else b"")
    decision.refuse_withdrawn(hosts, authorities, now)
    authority, signer = trusted[key.public], ca.remote_key(key.public, key.sign)
    needs = decision.needs(hosts, [authority], now, **rule)
    decision.refuse_signer(hosts, authority)
    chains: dict = {}
    if not check_mode:
        for need, request in decision.all_checked(needs, ca.check_request):
            signed = ca.sign(request, need.identity, authority, signer, now, params["days"])
            chains.setdefault(need.host.name, {})[need.identity.name] = certificates.pem([signed])
    out = result(authorities, chains, needs, hosts)
    return {**out, "key": name, "changed": out["changed"] or made}


def from_requests(params: dict, hosts: list, now: datetime.datetime, *, check_mode: bool) -> dict:
    """Write requests for the user's own CA, and take what it has signed."""
    from ..module_utils._tls import authority as ca

    directory = params["requests_directory"]
    if not directory:
        raise TlsError("tls_source is requests, and tls_requests_dir is not set; set it to a directory for requests.")
    trust = content(os.path.join(directory, "ca.pem"))
    authorities = certificates.read(trust, "ca.pem in %s" % directory) if trust else []
    decision.refuse_same_name(authorities)
    if authorities:
        decision.refuse_shared_with_clients(hosts, authorities)
        decision.refuse_another_authority(hosts, authorities)
        decision.refuse_withdrawn(hosts, authorities, now)
    needs = decision.needs(hosts, authorities, now, renew_days=params["renew_days"], exact=False)
    chains, files, missing, written, judged = {}, {}, [], False, True
    requests = [] if check_mode else decision.all_checked(needs, ca.check_request)
    for need, request in requests:
        file = os.path.join(directory, need.file)
        if not decision.same_request(content(file + ".csr"), request):
            _local_file.write(file + ".csr", need.answer["csr"], "The request of %s" % need.host.name)
            written = True
        text = content(file + ".pem")
        if text is not None and not authorities:
            judged = False
            continue
        chain = decision.signed(need, request, text, authorities, now, need.file + ".pem")
        if chain is None:
            missing.append(need)
            continue
        files[need.file + ".pem"] = chain
        chains.setdefault(need.host.name, {})[need.identity.name] = certificates.pem(chain)
    if judged:
        decision.refuse_missing([need for need in missing if decision.urgent(need, authorities, now)], directory)
    if not authorities and not check_mode:
        raise TlsError("There is no ca.pem in %s; put the certificate of your CA there as PEM." % directory)
    decision.refuse_what_others_do_not_trust(files, hosts, now)
    out = result(authorities, chains, needs, hosts)
    return {**out, "changed": bool(chains) or written or check_mode and out["changed"], "missing": missing}


def from_private_ca(params: dict, hosts: list, now: datetime.datetime, *, check_mode: bool) -> dict:
    """Have what hosts need signed by AWS Private CA."""
    from ..module_utils._tls import authority as ca

    if not params["private_cas"]:
        raise TlsError("tls_source is private_ca, and tls_private_cas is empty; set it to the ARNs of CAs.")
    where = {"region": params["region"] or params["private_cas"][0].split(":")[3], "profile": params["profile"]}
    acm = client.client("acm-pca", **where)
    with client.asking("say who calls"):
        account = client.client("sts", **where).get_caller_identity()["Account"]
    found = [
        private_ca.find(acm, arn, account, params["days"], signs=not number)
        for number, arn in enumerate(params["private_cas"])
    ]
    authorities = [certificates.read(each.certificate, "The CA %s" % each.arn)[0] for each in found]
    decision.refuse_same_name(authorities)
    decision.refuse_shared_with_clients(hosts, authorities)
    decision.refuse_another_authority(hosts, authorities)
    decision.refuse_withdrawn(hosts, authorities, now)
    needs = decision.needs(hosts, authorities[:1], now, renew_days=params["renew_days"], exact=False)
    decision.refuse_signer(hosts, authorities[0])
    chains: dict = {}
    if not check_mode:
        requests = decision.all_checked(needs, ca.check_request)
        # All are asked for before the first is waited for.
        asked = [found[0].request(need.answer["csr"], params["days"]) for need, _ in requests]
        for (need, request), arn in zip(requests, asked):
            chain = certificates.read(found[0].take(arn), "The certificate of AWS Private CA")
            after = datetime.datetime.now(datetime.timezone.utc)
            decision.refuse_unlike(need, request, chain, authorities[:1], after)
            chains.setdefault(need.host.name, {})[need.identity.name] = certificates.pem(chain)
    return result(authorities, chains, needs, hosts)


def content(file: str) -> str | None:
    """The text of a file on the controller, None where there is none; raises TlsError."""
    try:
        with open(file, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TlsError(
            "%s cannot be read: %s; correct it." % (file, getattr(error, "strerror", None) or error)
        ) from None


def result(authorities: list, chains: dict, needs: list, hosts: list) -> dict:
    """What the module returns; in check mode there are needs without chains."""
    outdated = decision.outdated(hosts, authorities) if authorities else []
    reasons = decision.reasons(needs)
    return {
        "changed": bool(chains or needs),
        "certificates": chains,
        "authority": certificates.pem(authorities),
        "hosts": sorted({*chains, *outdated}),
        "reasons": reasons,
        "diff": {"before": {}, "after": reasons},
    }


def main() -> None:
    """Read, decide, sign, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    if certificates.CRYPTOGRAPHY_ERROR:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=certificates.CRYPTOGRAPHY_ERROR)
    if params["source"] != "requests" and client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        hosts = decision.hosts(params["hosts"])
        decision.refuse_shared_with_clients(hosts, [each for host in hosts for each in host.authorities + host.trusted])
        sources = {"kms": from_kms, "requests": from_requests, "private_ca": from_private_ca}
        out = sources[params["source"]](params, hosts, now, check_mode=module.check_mode)
        file, authority = params["authority_file"], out["authority"]
        if file and authority and content(file) != authority:
            out["changed"] = True
            if not module.check_mode:
                _local_file.write(file, authority, "The CA's certificate")
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    missing = out.get("missing") or []
    if missing:
        module.warn(decision.missing_sentence(missing, params["requests_directory"]))
    module.exit_json(**{**out, "missing": ["%s.csr" % need.file for need in missing]})


if __name__ == "__main__":
    main()
