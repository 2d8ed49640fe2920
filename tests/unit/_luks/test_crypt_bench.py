"""What dm-crypt costs: fio's figures, the way that is advised, and a disk that is left as it was found."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import probe as disk_probe
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import benchmark, format_record, volume
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import header as luks_header
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.benchmark import (
    Bench,
    BenchmarkError,
    Load,
    Row,
    advise,
    busy_seconds,
    parse_fio,
)
from ansible_collections.rackaware.kafka.plugins.modules import dm_crypt_benchmark

FIO = {
    "jobs": [
        {
            kind: {"bw_bytes": 123_450_000, "clat_ns": {"percentile": {"99.000000": 2_345_678}}}
            for kind in ("read", "write")
        }
    ]
}
READ, WRITE = "no_read_workqueue", "no_write_workqueue"


def row(sector_size, worth, *perf):
    return Row(sector_size, perf, worth / 2, worth / 2, 1.0, 1.0, 1.0)


class Volume:
    """A disk that only remembers; plan() is the real one."""

    log: list = []
    state: dict = {}

    def __init__(self, wanted, run, *, marker_dir):
        self.wanted, self.mapped = wanted, "/dev/mapper/" + wanted.name

    def facts(self, key=None):
        seen = self.state
        header = mapper = None
        if seen.get("header"):
            tokens = {0: {"type": volume.TOKEN_TYPE, "state": seen["token"]}}
            header = luks_header.Header(
                2,
                self.wanted.uuid,
                label=self.wanted.label,
                subsystem=self.wanted.subsystem,
                cipher=volume.CIPHER,
                key_size=volume.KEY_BITS,
                sector_size=seen["header"],
                segments=1,
                keyslots=(0,),
                tokens=tokens,
            )
        if seen.get("open"):
            mapper = volume.Mapper(self.wanted.name, self.wanted.uuid)
        marker = format_record.FormatRecord(self.wanted.uuid, seen["marker"], "boot") if seen.get("marker") else None
        probe = disk_probe.IN_USE if mapper else disk_probe.FOREIGN if header or seen.get("data") else disk_probe.BLANK
        opens = None if key is None or header is None else key == seen.get("key")
        return volume.Facts(
            probe, "data", header=header, marker=marker, untouched=True, mapper=mapper, opens=opens, boot="boot"
        )

    def perform(self, actions, key=None):
        for action in actions:
            self.log.append(action)
            if action.startswith("remember "):
                self.state["marker"] = action.split()[1]
            elif action == "format":
                self.state.update(header=self.wanted.sector_size, key=bytes(key), token="provisioning")
            elif action == "token ready":
                self.state["token"] = "ready"
            elif action in ("open", "close"):
                self.state["open"] = action == "open"
            elif action == "wipe header":
                self.state.update(header=None, data=True)


@pytest.fixture()
def bench(tmp_path):
    """A bench on that disk; commands holds what fio was asked."""
    Volume.log, Volume.state, commands = [], {}, []

    def run(argv, **_more):
        commands.append(argv)
        return made.code, "warning\n" + json.dumps(FIO), ""

    keys = iter(range(1, 100))
    made = Bench(
        str(tmp_path / "disk"),
        run,
        volume=Volume,
        stat=lambda: "cpu 1 2 3 4 5 6 7 0\n",
        random=lambda count: bytes([next(keys)]) * count,
    )
    made.code, made.commands = 0, commands
    return made


def test_every_way_is_measured_and_the_disk_is_erased(bench):
    rows = bench.measure(Load(), (512, 4096))
    assert [(each.sector_size, each.perf) for each in rows] == [(0, ())] + [
        (size, perf) for size in (512, 4096) for perf in ((), (READ,), (WRITE,), (READ, WRITE))
    ]
    assert len(bench.commands) == 18 and {command[2] for command in bench.commands[2:]} == {
        "--filename=/dev/mapper/rackaware-benchmark"
    }
    assert Volume.log.count("format") == 2 and Volume.log.count("open") == Volume.log.count("close") == 8
    assert (Volume.state["header"], Volume.state["open"], Volume.state["marker"]) == (None, False, "erased")


def test_a_failure_leaves_no_header_either(bench):
    bench.code = 1
    with pytest.raises(BenchmarkError, match="fio could not write"):
        bench.measure(Load(), (512,))
    assert Volume.state["marker"] == "erased" and "format" not in Volume.log


def test_what_a_run_that_died_has_left_is_cleaned_up(bench):
    Volume.state.update(header=512, open=True, marker="ready", token="ready", key=b"lost")
    bench.measure(Load(), (4096,))
    assert Volume.log[:2] == ["close", "remember erasing"] and Volume.state["header"] is None


def test_a_disk_that_is_not_blank_is_refused(bench):
    Volume.state.update(data=True)
    with pytest.raises(volume.LuksError, match="nothing was changed"):
        bench.measure(Load(), (512,))
    assert Volume.log == [] and bench.commands == []


def test_the_disk_is_read_and_written_past_the_cache():
    argv = benchmark.fio_command("/dev/x", "write", Load(seconds=3, block="4k", depth=2, size="10M"))
    assert {
        "--rw=write",
        "--direct=1",
        "--bs=4k",
        "--iodepth=2",
        "--size=10M",
        "--runtime=3",
        "--filename=/dev/x",
    } <= set(argv)


def test_fio_is_read():
    assert parse_fio("fio: warning\n" + json.dumps(FIO), "read") == (123.5, 2.35)


@pytest.mark.parametrize("text", ["", "{}", '{"jobs": []}', '{"jobs": [{"read": {}}]}', "{"])
def test_what_fio_does_not_say_is_no_figure(text):
    with pytest.raises(BenchmarkError, match="cannot be read"):
        parse_fio(text, "read")


def test_waiting_is_no_work():
    assert busy_seconds("cpu  100 20 30 1000 500 4 6 0 0 0\ncpu0 1\n", 100) == 1.6


@pytest.mark.parametrize(
    ("rows", "physical", "options"),
    [
        ([row(0, 999), row(512, 100), row(512, 104, READ)], 512, {}),
        ([row(512, 100), row(512, 120, READ, WRITE)], 512, {"perf": [READ, WRITE]}),
        ([row(512, 100), row(4096, 300, READ)], 512, {}),
        ([row(512, 100), row(4096, 200), row(4096, 300, READ)], 4096, {"perf": [READ]}),
        ([row(512, 300), row(4096, 200)], 4096, {"perf": [], "sector_size": 512}),
    ],
    ids=[
        "little is gained",
        "flags are faster",
        "sectors that could be torn",
        "the disk's own sectors are the default",
        "small sectors are faster",
    ],
)
def test_the_advice_is_safe_and_worth_it(rows, physical, options):
    assert advise(rows, physical_sector=physical).options == options


def test_without_a_safe_way_there_is_no_advice():
    with pytest.raises(BenchmarkError, match="measure sectors of 512, too"):
        advise([row(4096, 100)], physical_sector=512)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"device": "/dev/nvme1n1"}, "may be another disk after the next boot"),
        ({"sector_sizes": [1024]}, "512 or 4096 bytes, not 1024"),
    ],
)
def test_bad_input_is_one_sentence(capsys, given, sentence):
    with (
        patch_module_args({"device": "/dev/disk/by-id/none", "_ansible_check_mode": True, **given}),
        pytest.raises(SystemExit),
    ):
        dm_crypt_benchmark.main()
    assert sentence in json.loads(capsys.readouterr().out)["msg"]
