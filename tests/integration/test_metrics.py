"""Metrics are what the ledger says, and what dashboard and rules ask for is there."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from connectors.sandbox import Sandbox
from syncd import alerts, metrics
from syncd.errors import Unwritten
from syncd.ledger.due import Due
from syncd.model import Measured, RunState, Sizes
from tests.integration.commands import Desk, Hands, digests, email, platforms
from tests.integration.ledger_databases import (
    AT,
    DIALECTS,
    NOON,
    generation,
    new_database,
    new_ledger,
)
from tests.integration.ledger_databases import Hands as Still
from tests.integration.watching import Scene, configured, opened

MONITORING = Path(__file__).parents[2] / "config" / "monitoring"
RULES = MONITORING / "syncd.rules.yaml"
DASHBOARD = MONITORING / "syncd.dashboard.json"
# Of PromQL, as far as our expressions use it: not names of metrics, and not labels.
_FUNCTIONS = {"time", "sum", "by", "rate", "absent", "max_over_time", "histogram_quantile"}


def samples(text: bytes) -> list[Sample]:
    return [
        one for family in text_string_to_metric_families(text.decode()) for one in family.samples
    ]


def value(found: list[Sample], name: str, **labels: str) -> float:
    (one,) = [s for s in found if s.name == f"syncd_{name}" and s.labels == labels]
    return float(one.value)


def eventful(scene: Scene) -> None:
    """A bit of everything, so that each metric has a sample."""
    ledger = scene.ledger
    scene.runs()
    scene.runs(RunState.PARTIAL, refused={"INVALID_EMAIL": 30, "an error: x@y.example": 3})
    sizes = Sizes(190, {"email": 180, "phone": 90}, 7)
    ledger.commit_generation(*AT, replace(generation(1), sizes=sizes), {}, event=None)
    ledger.measured.add(*AT, Measured(scene.clock.now(), "r2", 190, 90, 110))
    ledger.accounts.throttle(*AT[:2], scene.clock.now() + timedelta(hours=1), "80004")
    ledger.accounts.ask_of_credential(*AT[:2])
    ledger.accounts.credential_ends(*AT[:2], scene.clock.now() + timedelta(days=30))
    now = scene.clock.now()
    ledger.due.keep("whales", Due("every 21600s", now, now + timedelta(hours=6)))
    alerts.look(scene)


@pytest.fixture(params=DIALECTS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    clock, dialect = Still(), request.param
    target = {"ops": {"webhook": "https://a.example/x", "secret": "${S}"}}
    with new_database(dialect, tmp_path) as url, new_ledger(url, clock) as ledger:
        yield Scene(ledger, configured(tmp_path, alerts={"targets": target}), clock)


def test_each_figure_is_what_the_ledger_holds(scene: Scene) -> None:
    eventful(scene)
    found = samples(metrics.exposition(scene.ledger, scene.settings, scene.clock))
    of: dict[str, str] = {"sync": "whales"}
    ended = NOON.timestamp() + 4
    assert value(found, "last_success_timestamp_seconds", **of) == ended
    assert value(found, "stale_timestamp_seconds", **of) == ended + 12 * 3600
    assert value(found, "next_run_timestamp_seconds", **of) == ended + 6 * 3600
    assert value(found, "run_failed", **of) == 0
    assert value(found, "run_total", **of, state="done") == 1
    assert value(found, "run_total", **of, state="partial") == 1
    assert value(found, "snapshot_rows", **of, rows="usable") == 200
    assert value(found, "refused_rows", **of, reason="INVALID_EMAIL") == 30
    assert value(found, "refused_rows", **of, reason="other") == 3, "no text of an error"
    assert value(found, "members", **of, state="there") == 190
    assert value(found, "members", **of, state="refused") == 7
    assert value(found, "identifiers", **of, kind="phone") == 90
    assert value(found, "platform_size", **of, bound="least") == 90
    assert value(found, "match_rate", **of, bound="most") == pytest.approx(110 / 190)
    place = {"platform": AT[0], "account": AT[1]}
    until = value(found, "throttled_until_timestamp_seconds", **place)
    assert until == ended + 3600
    assert value(found, "credential_ends_timestamp_seconds", **place) == ended + 30 * 86_400
    batches = {**place, "operation": "add", "outcome": "accepted"}
    assert value(found, "batch_total", **batches) == 2
    assert value(found, "row_total", **batches) == 200
    assert value(found, "alert_open", subject="sync whales", condition="refused") == 1
    assert value(found, "alert_deliveries", target="ops", state="waiting") == 1
    assert value(found, "push_seconds_count", platform=AT[0]) == 2
    assert value(found, "push_seconds_sum", platform=AT[0]) == pytest.approx(4.0, abs=0.01)
    assert value(found, "push_seconds_bucket", platform=AT[0], le="1") == 0
    assert value(found, "push_seconds_bucket", platform=AT[0], le="2.5") == 2
    assert value(found, "push_seconds_bucket", platform=AT[0], le="+Inf") == 2


def test_nothing_happened_yet_and_all_families_are_there(tmp_path: Path) -> None:
    with opened(tmp_path, clock := Still()) as ledger:
        text = metrics.exposition(ledger, configured(tmp_path), clock).decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    known = {*metrics.GAUGES, *metrics.COUNTERS, metrics.HISTOGRAM}
    assert names == {f"syncd_{name}" for name in known}


def test_totals_only_grow_whatever_becomes_of_runs_and_batches(tmp_path: Path) -> None:
    """A total that shrinks is a restart to Prometheus, and its rates are wrong."""
    before: dict[tuple[str, str], float] = {}
    with opened(tmp_path, clock := Still()) as ledger:
        scene = Scene(ledger, configured(tmp_path), clock)

        def grown() -> None:
            gone = set(before)
            for one in samples(metrics.exposition(ledger, scene.settings, clock)):
                if one.name.endswith(("_total", "_count", "_sum", "_bucket")):
                    key = (one.name, json.dumps(one.labels, sort_keys=True))
                    assert one.value >= before.get(key, 0), key
                    before[key] = one.value
                    gone.discard(key)
            assert not gone

        for state in (RunState.PROCESSING, RunState.HELD, RunState.DONE):
            run = scene.runs(state)
            grown()
            if state is RunState.PROCESSING:
                ledger.set_run(run, RunState.DONE, ended=True)
                grown()
        scene.fails()
        grown()
    assert before


def test_a_run_that_was_told_to_stop_has_not_failed(tmp_path: Path) -> None:
    with opened(tmp_path, clock := Still()) as ledger:
        scene = Scene(ledger, configured(tmp_path), clock)
        for error, failed in (("ShopError", 1), ("Stopped", 0)):
            scene.fails(error)
            found = samples(metrics.exposition(ledger, scene.settings, clock))
            assert value(found, "run_failed", sync="whales") == failed


def test_a_new_process_tells_the_same(tmp_path: Path) -> None:
    with opened(tmp_path, clock := Still()) as ledger:
        scene = Scene(ledger, configured(tmp_path), clock)
        scene.runs()
        first = metrics.exposition(ledger, scene.settings, clock)
        assert metrics.exposition(ledger, scene.settings, clock) == first


# --- the file -----------------------------------------------------------------------


def test_the_file_is_replaced_whole_and_everybody_may_read_it(tmp_path: Path) -> None:
    with opened(tmp_path, clock := Still()) as ledger:
        there, path = configured(tmp_path), tmp_path / "out" / "syncd.prom"
        with pytest.raises(Unwritten, match="cannot be written"):
            metrics.write(path, ledger, there, clock)
        path.parent.mkdir()
        metrics.write(path, ledger, there, clock)
        reader = path.open("rb")  # whoever reads meanwhile
        old = path.read_bytes()
        Scene(ledger, there, clock).runs()
        metrics.write(path, ledger, there, clock)
        with reader:
            assert reader.read() == old
        assert path.read_bytes() != old
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert [one.name for one in path.parent.iterdir()] == ["syncd.prom"]


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    with platforms() as found:
        yield found


def test_the_command_tells_of_real_runs_and_of_nobody(tmp_path: Path, local: Sandbox) -> None:
    desk = Desk(tmp_path, local)
    desk.join(*range(20))
    clock = Hands()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    path = tmp_path / "syncd.prom"
    assert desk.syncd("metrics", "--textfile", str(path), clock=clock).code == 0
    answer = desk.syncd("metrics", clock=clock)
    assert answer.code == 0
    assert answer.out == path.read_text("utf-8")
    found = samples(answer.out.encode())
    assert value(found, "members", sync="everyone", state="there") == 20
    assert value(found, "run_total", sync="everyone", state="done") == 1
    assert value(found, "pending_removals", sync="everyone") == 0
    for person in range(20):
        assert email(person) not in answer.out
    assert not any(digest in answer.out for _, digest in digests(*range(20)))
    assert not re.search(r"[0-9a-f]{32}", answer.out)


# --- dashboard and rules ------------------------------------------------------------


def expressions() -> list[str]:
    """Each expression of the rules and of the dashboard; its variable stands for any sync."""
    rules = yaml.safe_load(RULES.read_text("utf-8"))
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads(DASHBOARD.read_text("utf-8"))
    found += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [
        *found,
        *(one["query"] for one in board["templating"]["list"] if one["type"] == "query"),
    ]


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that an expression asks for, with the labels it selects by."""
    for name, _, selectors in re.findall(r"(syncd_\w+)(\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors))


def given(tmp_path: Path) -> dict[str, set[str]]:
    """Labels of each sample that an eventful ledger gives, and of its family otherwise."""
    with opened(tmp_path, clock := Still()) as ledger:
        scene = Scene(ledger, configured(tmp_path), clock)
        eventful(scene)
        found = samples(metrics.exposition(ledger, scene.settings, clock))
    return {one.name: set(one.labels) for one in found}


def test_what_dashboard_and_rules_ask_for_is_there(tmp_path: Path) -> None:
    there = given(tmp_path)
    # No message waits for a target that nobody configured here; its family says its labels.
    there |= {f"syncd_{name}": set(labels) for name, (_, labels) in metrics.GAUGES.items()}
    wrong = [
        (expression, name, labels)
        for expression in expressions()
        for name, labels in asked(expression)
        if name not in there or not labels <= there[name]
    ]
    assert wrong == []


def test_labels_that_are_grouped_by_are_there(tmp_path: Path) -> None:
    there = given(tmp_path) | {
        f"syncd_{name}": set(labels) for name, (_, labels) in metrics.GAUGES.items()
    }
    for expression in expressions():
        names = [name for name, _ in asked(expression)]
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            for label in re.split(r",\s*", grouped):
                assert all(label in there[name] for name in names), (expression, label)


def test_every_metric_stands_in_the_dashboard() -> None:
    board = DASHBOARD.read_text("utf-8")
    known = {*metrics.GAUGES, *metrics.COUNTERS, metrics.HISTOGRAM}
    assert [name for name in sorted(known) if f"syncd_{name}" not in board] == []


def test_words_in_the_rules_are_of_promql_and_of_ours() -> None:
    for expression in expressions():
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"|by \([^)]*\)", "", expression)
        words = set(re.findall(r"[a-z_]{2,}", bare)) - _FUNCTIONS - {"label_values", "sync"}
        assert [word for word in words if not word.startswith("syncd_")] == [], expression


def test_every_rule_says_what_to_do_of_labels_that_it_has() -> None:
    of = {name: set(labels) for name, (_, labels) in metrics.GAUGES.items()}
    of[f"{metrics.HISTOGRAM}_bucket"] = {"platform", "le"}
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    assert len(group["rules"]) > 8
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert "`syncd" in rule["annotations"]["description"], rule["alert"]
        kept = re.findall(r"by \(([^)]*)\)", rule["expr"])
        names = [name.removeprefix("syncd_") for name, _ in asked(rule["expr"])]
        there = set.intersection(*(of[name] for name in names))
        there &= set(re.split(r",\s*", kept[-1])) if kept else there
        used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert used <= there, rule["alert"]
