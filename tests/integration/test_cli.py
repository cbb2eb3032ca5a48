"""Every command, as it is typed: what it prints, how it exits, what it leaves."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
import yaml

from connectors.sandbox import Sandbox
from tests.integration.commands import Desk, Hands, digests, here

HEAVY = (
    *("pyarrow", "duckdb", "sqlalchemy", "facebook_business", "google.ads", "grpc", "sqlglot"),
    *("apprise", "prometheus_client", "requests"),
)
READERS = [
    ("status",),
    ("alerts",),
    ("runs",),
    ("runs", "show", "r1"),
    ("audit", "show"),
    ("audit", "verify"),
    ("segments", "list"),
    ("segments", "preview", "everyone"),
    ("identity", "sample", "everyone"),
    ("config", "check"),
]


# --- help and set-up ---------------------------------------------------------


def test_help_imports_no_room_and_no_vendor() -> None:
    """`syncd --help`, and a command's, answer before anything heavy is loaded."""
    for words in (
        *(["--help"], ["sync", "--help"], ["runs", "show", "--help"]),
        *(["identity", "explain", "--help"], ["alerts", "--help"]),
    ):
        asked = [sys.executable, "-X", "importtime", "-m", "syncd", *words]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        loaded = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
        assert answer.returncode == 0
        assert "syncd.cli.application" in loaded
        assert not [name for name in loaded if name.startswith(HEAVY)]
        assert not [name for name in loaded if name.startswith(("syncd.app", "connectors"))]


def test_help_names_every_command() -> None:
    answer = here("--help")
    assert answer.code == 0
    for command in (
        *("init", "plan", "sync", "approve", "status", "runs", "audit", "segments", "config"),
        *("migrate", "sandbox", "demo", "identity", "doctor", "erase", "lookup", "reconcile"),
        *("run", "alerts", "metrics"),
    ):
        assert f" {command} " in answer.out
    assert here("--version").out.startswith("syncd 0.")


def test_init_writes_a_configuration_that_can_be_checked(tmp_path: Path) -> None:
    config = tmp_path / "config" / "syncd.yaml"
    first = here("init", config=config)
    assert first.code == 0
    assert f"wrote {config}" in first.out
    assert yaml.safe_load(config.read_text("utf-8"))["syncs"]
    config.write_text(config.read_text("utf-8") + "# mine\n", "utf-8")
    checked = here("config", "check", config=config)
    assert checked.code == 78
    assert "meta_token" in checked.err, "the secret that is to be written first"
    assert config.read_text("utf-8").endswith("# mine\n")


def test_init_leaves_a_configuration_alone_and_makes_its_ledger(desk: Desk) -> None:
    before = desk.config.read_bytes()
    first, second = desk.syncd("init"), desk.syncd("init")
    assert (first.code, second.code) == (0, 0)
    assert "made the ledger" in first.out
    assert "the ledger is there already" in second.out
    assert desk.config.read_bytes() == before
    assert (desk.var / "ledger.key").stat().st_mode & 0o777 == 0o600


def test_config_check_and_schema_agree(desk: Desk) -> None:
    schema = here("config", "schema")
    assert schema.code == 0
    jsonschema.validate(desk.settings, schema.json)
    checked = desk.syncd("config", "check", "--json")
    assert checked.code == 0
    assert checked.json["syncs"] == ["everyone"]
    desk.settings["syncs"]["everyone"]["audiance"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(desk.settings, schema.json)


def test_migrate_at_head_has_nothing_to_do(desk: Desk) -> None:
    first, second = desk.syncd("migrate"), desk.syncd("migrate")
    assert (first.code, second.code) == (0, 0)
    assert "applied" in first.out
    assert "nothing to do" in second.out


# --- plan and sync -----------------------------------------------------------


def test_plan_shows_and_sends_nothing(desk: Desk) -> None:
    desk.join(*range(5))
    before = desk.changes()
    answer = desk.syncd("plan")
    assert (answer.code, desk.changes()) == (0, before)
    assert "5 to add" in answer.out
    assert "found or made by the first run" in answer.out


def test_sync_does_it_and_says_so_once_more_in_every_record(desk: Desk) -> None:
    """One run through all that reads: sync, status, runs, audit."""
    desk.join(*range(5))
    answer = desk.syncd("sync", "everyone", "--json")
    (result,) = answer.json
    assert (answer.code, result["pushed"]) == (0, {"remove": 0, "add": 5, "again": 0})
    assert desk.held() == digests(*range(5))
    (status,) = desk.syncd("status", "--json").json["syncs"]
    assert (status["members"], status["state"]) == (5, "done")
    assert status["identifiers"] == {"email": 5, "phone": 5}
    (run,) = desk.syncd("runs", "--json").json
    assert (run["id"], run["state"]) == (result["run"]["id"], "done")
    assert run["id"] in desk.syncd("runs").out
    shown = desk.syncd("runs", "show", run["id"], "--json").json
    assert [batch["state"] for batch in shown["batches"]] == ["processed"]
    assert (shown["snapshot"]["rows"], shown["plan"]["counts"]["additions"]) == (5, 5)
    kinds = [event["kind"] for event in shown["events"]]
    assert kinds[0] == "run_started"
    assert kinds[-3:] == ["audience_claimed", "plan_made", "run_finished"]
    assert "added 5" in desk.syncd("audit", "show").out
    assert desk.syncd("audit").out == desk.syncd("audit", "show").out


def test_a_second_run_with_nothing_changed_sends_nothing(desk: Desk) -> None:
    desk.join(*range(5))
    desk.syncd("sync", "everyone")
    before = desk.changes()
    answer = desk.syncd("sync", "everyone")
    assert (answer.code, desk.changes()) == (0, before)
    assert "unchanged 5" in answer.out


def test_status_of_a_sync_that_never_ran(desk: Desk) -> None:
    answer = desk.syncd("status")
    assert answer.code == 0
    assert "never run" in answer.out


def test_an_audience_without_a_sync_is_shown_as_orphaned(desk: Desk) -> None:
    desk.join(1)
    desk.syncd("sync", "everyone")
    desk.settings["syncs"]["others"] = {**desk.settings["syncs"].pop("everyone"), "audience": "B"}
    desk.save()
    answer = desk.syncd("status")
    assert "orphaned: audience Everyone" in answer.out
    assert len(desk.syncd("status", "--json").json["orphans"]) == 1


def test_a_renamed_sync_keeps_its_membership(desk: Desk) -> None:
    """Membership is the audience's: a new name for the sync sends nothing."""
    desk.join(*range(5))
    desk.syncd("sync", "everyone")
    desk.settings["syncs"]["all"] = desk.settings["syncs"].pop("everyone")
    desk.save()
    before = desk.changes()
    assert desk.syncd("sync", "all").code == 0
    assert desk.changes() == before


# --- exit codes --------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("sync",),
        ("sync", "everyone", "--adoptt"),
        ("nonsense",),
        ("sync", "everione"),
        ("plan", "everione"),
        ("runs", "show", "r99"),
        ("approve", "p99"),
        ("identity", "sample"),
        ("identity", "sample", "everyone", "--platform", "mata"),
        ("identity", "sample", "everyone", "--rows", "-1"),
        ("audit", "show", "--since", "yesterday"),
        ("audit", "export", "--format", "xml"),
        ("sync", "everyone", "everyone", "--plan", "p1"),
    ],
)
def test_a_wrong_command_exits_2_and_says_what_is_right(desk: Desk, words: tuple[str, ...]) -> None:
    answer = desk.syncd(*words)
    assert answer.code == 2
    assert answer.err.strip()
    assert "Traceback" not in answer.said


def test_a_misspelt_sync_is_named_with_the_nearest(desk: Desk) -> None:
    answer = desk.syncd("sync", "everione")
    assert (answer.code, "everyone" in answer.err) == (2, True)


def test_the_gravest_of_several_syncs_decides_and_each_has_its_turn(desk: Desk) -> None:
    """Held (4) beside done (0) is 4; denied (77) beside both is 77; the good ones ran."""
    desk.join(*range(5))
    desk.sql("nobody", "SELECT customer_key, email FROM customers WHERE 1 = 0")
    desk.settings["segments"]["nobody"] = {"sql": "segments/nobody.sql"}
    desk.also("empty", segment="nobody", audience="Nobody")
    answer = desk.syncd("sync", "empty", "everyone")
    assert answer.code == 4
    assert desk.held() == digests(*range(5))
    (desk.config.parent / "old_token").write_text("revoked", "utf-8")
    (desk.config.parent / "old_token").chmod(0o600)
    stale = {"access_token": {"file": "old_token"}}
    desk.settings["accounts"]["stale"] = {**desk.settings["accounts"]["meta"], **stale}
    desk.also("denied", account="stale", audience="Denied")
    answer = desk.syncd("sync", "empty", "denied", "everyone")
    assert answer.code == 77
    assert "unchanged 5" in answer.out


def test_exit_codes_reach_the_shell(desk: Desk) -> None:
    """A few of them as a process of its own; the others stand beside what causes them."""
    assert desk.process("status").code == 0
    assert desk.process("sync", "everyone").code == 4
    desk.config.write_text("shop: {}\n", "utf-8")
    assert desk.process("status").code == 78


# --- what is printed ---------------------------------------------------------


@pytest.mark.parametrize("words", READERS)
def test_every_reading_command_prints_lines_or_json(desk: Desk, words: tuple[str, ...]) -> None:
    desk.join(1)
    desk.syncd("sync", "everyone")
    lines, program = desk.syncd(*words), desk.syncd(*words, "--json")
    assert (lines.code, program.code) == (0, 0)
    assert lines.out.strip()
    assert isinstance(program.json, dict | list)
    assert lines.err == program.err == ""


def test_without_a_terminal_there_is_no_bar_and_no_colour(desk: Desk) -> None:
    desk.join(*range(50))
    answer = desk.process("sync", "everyone")
    assert answer.code == 0
    assert "added 50" in answer.out
    assert answer.err == ""
    assert "\x1b" not in answer.said
    assert "\r" not in answer.said


def test_verbose_logs_one_json_object_a_line(desk: Desk) -> None:
    desk.join(1)
    answer = desk.syncd("-v", "sync", "everyone")
    events = [json.loads(line)["event"] for line in answer.err.splitlines()]
    assert events[0] == "run_started"
    assert {"snapshot_sealed", "plan_made", "batch_pushed", "run_finished"} <= set(events)


def test_a_reader_that_leaves_early_is_no_error(desk: Desk) -> None:
    """`syncd audit export | head -1`."""
    desk.join(1)
    desk.syncd("sync", "everyone")
    with desk.begin("audit", "export") as running:
        assert running.stdout is not None
        running.stdout.close()
        running.wait(30)
        assert running.stderr is not None
        assert running.stderr.read() == ""


# --- audit -------------------------------------------------------------------


def test_audit_export_has_every_event_in_both_forms(desk: Desk) -> None:
    desk.join(*range(3))
    desk.syncd("sync", "everyone")
    as_csv, as_json = desk.syncd("audit", "export"), desk.syncd("audit", "export", "--format=json")
    assert (as_csv.code, as_json.code) == (0, 0)
    rows = list(csv.DictReader(io.StringIO(as_csv.out)))
    events = [json.loads(line) for line in as_json.out.splitlines()]
    assert [row["number"] for row in rows] == [str(event["number"]) for event in events]
    assert [row["kind"] for row in rows][-1] == events[-1]["kind"] == "run_finished"
    assert json.loads(rows[-1]["counts"])["add"] == 3


def test_audit_is_filtered_by_sync_kind_and_time(desk: Desk) -> None:
    desk.join(1)
    desk.syncd("sync", "everyone")
    (made,) = desk.syncd("audit", "show", "--kind", "plan_made", "--json").json
    assert made["sync"] == "everyone"
    assert desk.syncd("audit", "show", "--sync", "other", "--json").json == []
    clock = Hands()
    clock.pass_by(days=8)
    assert desk.syncd("audit", "show", "--since", "7d", "--json", clock=clock).json == []
    assert desk.syncd("audit", "show", "--since", "9d", "--json", clock=clock).json


def test_audit_verify_finds_an_edit(desk: Desk) -> None:
    desk.join(1)
    desk.syncd("sync", "everyone")
    whole = desk.syncd("audit", "verify", "--json")
    assert (whole.code, whole.json["ok"]) == (0, True)
    with closing(sqlite3.connect(desk.var / "ledger.db")) as ledger, ledger:
        listed = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in listed:  # what keeps out mistakes does not keep out an administrator
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute("UPDATE audit_event SET detail = 'nothing happened' WHERE number = 2")
    broken = desk.syncd("audit", "verify")
    assert broken.code == 1
    assert "broken at event 2" in broken.out


# --- sandbox -----------------------------------------------------------------


def test_a_google_audience_is_filled_and_emptied_too(desk: Desk, local: Sandbox) -> None:
    desk.sync["account"] = "google"
    desk.save()
    desk.join(*range(5), consent="granted")
    assert desk.syncd("sync", "everyone").code == 0
    desk.leave(0)
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.syncd("sync", "everyone").code == 0, "after the removal was processed"
    assert desk.held(google=True) == digests(1, 2, 3, 4, google=True)
    assert local.google_world.requests["remove"] >= 1
