"""Modules for certificates: each writes what it was asked; the case says what breaks, and which hosts need a certificate."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from stand_ins.plugin import StandIn


class ActionModule(StandIn):
    """One of them."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        args = self.args
        if self.NAME == "tls_request":
            self.write("tls_request %s %s" % ("renew" if args["renew"] else "look", self.host))
            return {"changed": True, "identities": {"of": self.host}, "running": True}
        if self.NAME == "tls_keystore":
            self.write("tls_keystore %s %s %s" % (args["held_by"], args["directory"], self.host))
            return {"changed": True}
        if self.NAME == "tls_listener_info":
            self.write("tls_listener_info %s %s" % (args["ports"], self.host))
            return {"listeners": {str(port): {"of": self.host} for port in args["ports"]}}
        if self.NAME == "tls_rotation":
            asked = "advance" if args["advance"] else "verify"
            listening = {
                name: {tuple(each.items()) for each in ports.values()}
                for name, ports in args.get("listeners", {}).items()
            }
            assert args["advance"] or listening == {name: {(("of", name),)} for name in args["hosts"]}
            self.write("tls_rotation %s %s %s" % (asked, args.get("confirm", ""), self._task.delegate_to or self.host))
            if "tls_rotation " + asked in case.get("words", ()):
                raise AnsibleActionFail("It broke on purpose.")
            assert args["authority_file"].endswith("/reports/demo-ca.pem")
            return {"changed": True, "moved": ["A key is made."], "said": "What %s said." % asked, "step": 1}
        if args["rotate"]:
            self.write("tls_certificates asks AWS")
        self.write("tls_certificates %s on %s" % (",".join(sorted(args["hosts"])), self._task.delegate_to or self.host))
        if "tls_certificates" in case.get("words", ()):
            raise AnsibleActionFail("It broke on purpose.")
        answered = [name for name, host in args["hosts"].items() if host["answer"]["identities"] == {"of": name}]
        assert answered == list(args["hosts"])
        return {"changed": True, "hosts": case.get("uncertified", ["b1", "b2"]), "certificates": {}, "authority": "pem"}
