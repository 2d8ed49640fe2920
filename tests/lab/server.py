"""The lab's one process: the AWS API, the metadata service and the archives, on the bridge's address."""

from __future__ import annotations

import concurrent.futures
import datetime
import os
import re
import signal
import sys
import threading
from typing import Any, Callable, Iterable
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from . import files
from .imds import Metadata
from .settings import ACCOUNT, API_PORT, FILES_PORT, GATEWAY, IMAGES, METADATA_PORT, REGION, SERVER_PID
from .shell import LabError
from .world import World

# After these the machines may have to change; the answer waits until they have.
MOVING = re.compile(
    "^(RunInstances|(Start|Stop|Reboot|Terminate)Instances|(Create|Attach|Detach|Delete|Modify)Volume|DeregisterImage)$"
)

# What EC2 says when it has itself to blame, upon which its clients try again.
INTERNAL_ERROR = "<Response><Errors><Error><Code>InternalError</Code><Message>%s</Message></Error></Errors><RequestID>lab</RequestID></Response>"


class Quiet(WSGIRequestHandler):
    """No line for each request: the log is for what happens to machines."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Api:
    """moto's API, whose machines are real."""

    def __init__(self, world: World) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self.moto = DomainDispatcherApplication(create_backend_app)
        self.world = world
        self.lock = threading.Lock()
        self.moving = threading.Lock()
        self.asked: dict[str, concurrent.futures.Future[Response]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.path == "/lab/sync":
            self.world.sync()
            return Response(status=204)(environ, start_response)
        body = request.get_data(cache=True)
        question = (
            parse_qs(body.decode("latin-1"))
            if body.startswith((b"Action=", b"Version=")) or b"&Action=" in body
            else {}
        )
        action = question.get("Action", [""])[0]
        if action == "DetachVolume" and "InstanceId" not in question:
            # moto does not know without being told; EC2 does.
            body += b"&InstanceId=" + self.world.holder(question["VolumeId"][0]).encode()
            environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = request.stream if not body else _Stream(body)
        if not MOVING.match(action):
            return self.moto(environ, start_response)
        return self._once(question.get("ClientToken", [""])[0], lambda: self._moved(action, question, environ))(
            environ, start_response
        )

    def _once(self, token: str, answer: Callable[[], Response]) -> Response:
        """A client that asks again because the answer took its time, with the same token, gets that answer, as EC2 promises."""
        if not token:
            return answer()
        with self.lock:
            known = token in self.asked
            future = self.asked.setdefault(token, concurrent.futures.Future())
        if not known:
            try:
                future.set_result(answer())
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def _moved(self, action: str, question: dict[str, list[str]], environ: dict[str, Any]) -> Response:
        # One at a time: several launches come at once, and moto's tables must not change while machines are made of them.
        with self.moving:
            return self._move(action, question, environ)

    def _move(self, action: str, question: dict[str, list[str]], environ: dict[str, Any]) -> Response:
        answer = Response.from_app(self.moto, environ, buffered=True)
        if answer.status_code < 300:
            try:
                if action == "RebootInstances":
                    self.world.reboot(
                        value for name, values in question.items() if name.startswith("InstanceId.") for value in values
                    )
                self.world.sync()
            except LabError as error:
                self.world.say("%s: %s" % (action, error))
                answer = Response(INTERNAL_ERROR % escape(str(error)), status=500, mimetype="text/xml")
        return answer


class _Stream:
    """A request's body, once more."""

    def __init__(self, body: bytes) -> None:
        import io

        self.stream = io.BytesIO(body)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def register_images() -> None:
    """List the lab's images in the API, under their names."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[ACCOUNT][REGION]
    for name in IMAGES:
        if not any(image.name == name for image in backend.amis.values()):
            backend.register_image(name=name, description="The lab's " + name)


def credentials(instance: Any) -> dict[str, str] | None:
    """Fresh credentials of the instance profile's role, as the metadata service gives them; None without a profile."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    if not instance.iam_instance_profile:
        return None
    profile = iam_backends[ACCOUNT]["aws"].get_instance_profile(instance.iam_instance_profile["Arn"].rsplit("/", 1)[-1])
    if not profile.roles:
        return None
    role = profile.roles[0]
    made = sts_backends[ACCOUNT]["aws"].assume_role(REGION, instance.id, role.arn, None, 3600, None)
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    return {
        "RoleName": role.name,
        "AccessKeyId": made.access_key_id,
        "SecretAccessKey": made.secret_access_key,
        "Token": made.session_token,
        "Expiration": (now + datetime.timedelta(hours=1)).strftime(stamp),
        "LastUpdated": now.strftime(stamp),
    }


def serve() -> None:
    """Serve until SIGTERM."""
    os.environ.setdefault("MOTO_ACCOUNT_ID", ACCOUNT)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    world = World(say)
    register_images()
    applications = {
        API_PORT: Api(world),
        METADATA_PORT: Metadata(world.by_address, credentials),
        FILES_PORT: files.application,
    }
    servers = [
        make_server(GATEWAY, port, app, threaded=True, request_handler=Quiet) for port, app in applications.items()
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    SERVER_PID.write_text("%d\n" % os.getpid())
    say("serving")
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_args: ended.set())
    ended.wait()
