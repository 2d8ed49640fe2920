# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How long the certificate is valid that a service on this host runs with."""

from __future__ import annotations

import math
import os
import ssl
import time
from typing import Callable

from .._config import security, units
from .._errors import RackawareError

DAY = 86400


class CertificateError(RackawareError):
    """The certificate is there and cannot be read."""


def days_left(
    service: str, run: Callable[..., tuple[int, str, str]], *, clock: Callable[[], float] = time.time
) -> int | None:
    """Full days until the end of the certificate in place, negative when it has ended; None without one.

    run is module.run_command. Raises CertificateError.
    """
    path = security.reads(units.service(service).directory)[0]
    if not os.path.lexists(path):
        return None
    # The private key in the file is skipped.
    code, out, err = run(["openssl", "x509", "-noout", "-enddate", "-in", path], environ_update={"LC_ALL": "C"})
    key, _, end = out.strip().partition("=")
    try:
        if code or key != "notAfter":
            raise ValueError(err.strip().splitlines()[0] if err.strip() else "code %d" % code)
        return math.floor((ssl.cert_time_to_seconds(end) - clock()) / DAY)
    except ValueError as error:
        raise CertificateError(
            "%s has no certificate that can be read: %s; run rackaware.kafka.site. See docs/runbooks/certificates.md."
            % (path, error)
        ) from None
