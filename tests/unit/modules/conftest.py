"""What the tests of several modules' main() need."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args


@pytest.fixture
def run_main(capsys):
    """Run a module as Ansible would; its result."""

    def run(module, check=False, **params):
        with patch_module_args(dict(params, _ansible_check_mode=check, _ansible_diff=True)), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run
