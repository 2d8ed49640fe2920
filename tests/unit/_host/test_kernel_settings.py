"""Kernel settings are compared with the kernel, set now, and written for the next boot."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._host import sysctl
from ansible_collections.rackaware.kafka.plugins.modules import kernel_settings

WANTED = {
    "sysctl": {"vm.swappiness": 1, "net.ipv4.tcp_rmem": "4096 131072 6291456"},
    "transparent_hugepage": "madvise",
    "scheduler": "none",
}


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host's /proc/sys, /sys and /etc."""
    texts = {
        "proc/sys/vm/swappiness": "60\n",
        "proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
        "sys/block/nvme0n1/queue/scheduler": "none [mq-deadline]\n",
        "sys/block/nvme1n1/queue/scheduler": "[none] mq-deadline\n",
        "sys/block/loop0/queue/scheduler": "[mq-deadline] none\n",
        "sys/block/xvda/queue/scheduler": "[bfq]\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in ("sysctl.d", "tmpfiles.d", "udev/rules.d", "security/limits.d"):
        (tmp_path / "etc" / name).mkdir(parents=True)
    monkeypatch.setattr(kernel_settings, "ROOT", str(tmp_path))
    return tmp_path


def run(capsys, **params):
    given = {
        name: value
        for name, value in {**WANTED, "open_files": {"kafka": 100000}, **params}.items()
        if value is not None
    }
    with patch_module_args(given), pytest.raises(SystemExit):
        kernel_settings.main()
    return json.loads(capsys.readouterr().out)


def contents(host):
    return {str(path.relative_to(host)): path.read_text() for path in sorted(host.rglob("*")) if path.is_file()}


def test_check_mode_predicts_and_touches_nothing(capsys, host):
    before = contents(host)
    out = run(capsys, _ansible_check_mode=True)
    assert out["changed"] and out["set"] == ["vm.swappiness", "transparent_hugepage", "scheduler of nvme0n1"]
    assert contents(host) == before


def test_the_kernel_and_its_next_boot_get_the_same(capsys, host):
    out = run(capsys)
    after = contents(host)
    assert after["proc/sys/vm/swappiness"] == "1"
    assert after["sys/block/nvme0n1/queue/scheduler"] == "none"
    assert after["sys/block/loop0/queue/scheduler"] == "[mq-deadline] none\n", "not one of the disks"
    assert after["etc/sysctl.d/90-kafka.conf"].splitlines()[1:] == [
        "vm.swappiness = 1",
        "net.ipv4.tcp_rmem = 4096 131072 6291456",
    ]
    assert "w /sys/kernel/mm/transparent_hugepage/enabled - - - - madvise" in after["etc/tmpfiles.d/kafka.conf"]
    assert 'KERNEL=="nvme*n*|xvd*"' in after["etc/udev/rules.d/90-kafka.rules"]
    assert "kafka - nofile 100000" in after["etc/security/limits.d/90-kafka.conf"]
    assert {"before_header": "kernel", "after_header": "kernel"}.items() <= out["diff"][0].items()


def test_what_a_hand_changed_is_put_back_although_the_files_are_right(capsys, host):
    run(capsys)
    (host / "sys/kernel/mm/transparent_hugepage/enabled").write_text("always [madvise] never\n")
    assert not run(capsys)["changed"]
    (host / "proc/sys/vm/swappiness").write_text("60\n")
    out = run(capsys)
    assert (out["changed"], out["set"]) == (True, ["vm.swappiness"])


def test_a_parameter_that_the_kernel_does_not_have_is_refused_before_anything_changes(capsys, host):
    before = contents(host)
    assert "does not have vm.swapiness" in run(capsys, sysctl={"vm.swapiness": 1})["msg"]
    assert contents(host) == before


def test_in_a_container_what_only_the_machine_can_set_is_named_and_written_down(capsys, host):
    (host / "run/systemd").mkdir(parents=True)
    (host / "run/systemd/container").write_text("podman")
    out = run(capsys, sysctl={"net.core.rmem_max": 425984, "vm.swappiness": 1})
    assert out["unavailable"] == ["net.core.rmem_max"] and out["changed"]
    assert "net.core.rmem_max = 425984" in contents(host)["etc/sysctl.d/90-kafka.conf"]
    (host / "sys/kernel/mm/transparent_hugepage/enabled").write_text("always [madvise] never\n")
    assert not run(capsys, sysctl={"net.core.rmem_max": 425984, "vm.swappiness": 1})["changed"]


@pytest.mark.parametrize("name", ["vm.swappiness; reboot", "", "$(x)"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(sysctl.KernelError, match="no name of a kernel parameter"):
        sysctl.sysctls({name: 1})


def test_a_value_that_the_kernel_refuses_is_a_sentence(tmp_path):
    setting = sysctl.Setting("vm.swappiness", str(tmp_path / "absent" / "x"), "60", "1", True)
    with pytest.raises(sysctl.KernelError, match="refuses vm.swappiness = 1"):
        sysctl.write(setting)


def test_nothing_asked_for_leaves_everything_alone(capsys, host):
    out = run(capsys, sysctl={}, transparent_hugepage=None, scheduler=None, open_files={})
    assert out["set"] == []
    assert contents(host)["proc/sys/vm/swappiness"] == "60\n"
