"""The instance metadata service, version 2 only: it knows its caller by the source address."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, Callable

from werkzeug.wrappers import Request, Response

from .settings import ACCOUNT, REGION

TOKEN_HEADER, TTL_HEADER = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"


class Metadata:
    """A WSGI application; find gives the running instance of an address, credentials those of its role or None."""

    def __init__(
        self,
        find: Callable[[str], Any],
        credentials: Callable[[Any], dict[str, str] | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.find, self.credentials, self.clock = find, credentials, clock
        self.tokens: dict[str, tuple[str, float]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        """One request: 404 for an unknown caller or path, 401 without a valid token, 405 for anything but GET and the token's PUT."""
        caller = request.remote_addr or ""
        instance = self.find(caller)
        if instance is None:
            return Response("No running instance has the address %s.\n" % caller, status=404)
        if request.path == "/latest/api/token":
            return self._token(request, caller)
        if request.method != "GET":
            return Response(status=405)
        owner, expires = self.tokens.get(request.headers.get(TOKEN_HEADER, ""), ("", 0.0))
        if owner != caller or expires < self.clock():
            return Response(status=401)
        text = self._text(instance, request.path.removeprefix("/latest").strip("/"))
        return Response(status=404) if text is None else Response(text, mimetype="text/plain")

    def _token(self, request: Request, caller: str) -> Response:
        seconds = request.headers.get(TTL_HEADER, "")
        if request.method != "PUT":
            return Response(status=405)
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return Response(status=400)
        token = secrets.token_urlsafe(32)
        self.tokens[token] = (caller, self.clock() + int(seconds))
        return Response(token, mimetype="text/plain", headers={TTL_HEADER: seconds})

    def _text(self, instance: Any, path: str) -> str | bytes | None:
        zone = instance.placement.zone
        if path == "user-data":
            # moto keeps it in the base64 of the API.
            return instance.user_data.decode() if instance.user_data else None
        if path == "dynamic/instance-identity/document":
            document = {
                "instanceId": instance.id,
                "instanceType": instance.instance_type,
                "privateIp": instance.private_ip,
                "imageId": instance.image_id,
            }
            return json.dumps(
                {**document, "availabilityZone": zone, "region": REGION, "accountId": ACCOUNT, "version": "2017-09-30"}
            )
        plain = {
            "meta-data/instance-id": instance.id,
            "meta-data/instance-type": instance.instance_type,
            "meta-data/ami-id": instance.image_id,
            "meta-data/local-ipv4": instance.private_ip,
            "meta-data/local-hostname": "ip-%s.%s.compute.internal" % (instance.private_ip.replace(".", "-"), REGION),
            "meta-data/placement/availability-zone": zone,
            "meta-data/placement/region": REGION,
        }
        if path in plain:
            return str(plain[path])
        return self._role(instance, path)

    def _role(self, instance: Any, path: str) -> str | None:
        credentials = self.credentials(instance)
        if credentials is None:
            return None
        prefix = "meta-data/iam/security-credentials"
        if path == prefix:
            return credentials["RoleName"]
        if path == "%s/%s" % (prefix, credentials["RoleName"]):
            keys = {name: credentials[name] for name in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")}
            return json.dumps(
                {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": credentials["LastUpdated"], **keys}
            )
        return None
