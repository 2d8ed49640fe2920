"""What hosts without a way to the internet install from: Kafka's archives and the wheels, over HTTP on the bridge."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Request, Response

from .archives import ARCHIVES, WHEELS


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """/kafka/<version>/<file>, /wheels/<file>, and /simple/, a page of links that pip's --find-links reads."""
    request = Request(environ)
    kind, _slash, rest = request.path.strip("/").partition("/")
    try:
        if kind == "kafka" and "/" in rest:
            response = send_from_directory(ARCHIVES, rest.rsplit("/", 1)[-1], environ)
        elif kind == "wheels":
            response = send_from_directory(WHEELS, rest, environ)
        elif kind == "simple":
            links = ('<a href="/wheels/%s">%s</a>' % (wheel.name, wheel.name) for wheel in sorted(WHEELS.glob("*.whl")))
            response = Response("<!DOCTYPE html>\n" + "\n".join(links), mimetype="text/html")
        else:
            response = Response(status=404)
    except NotFound:
        response = Response(status=404)
    return response(environ, start_response)
