"""Planted e-mails, phones, names, postcodes, keys and tokens come out nowhere, hashed or not."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import structlog

from connectors.sandbox import Sandbox, meta
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.state import World
from syncd.app import App, open_app
from syncd.errors import Denied, SyncdError, Unavailable
from syncd.identity.digest import Digested, Policy, digest
from syncd.model import Raw
from syncd.sync import Wish, run
from tests.integration.canaries import files_in, forms, leaks
from tests.integration.commands import Answer, Desk, Hands

TOKEN = "EAABcanaryToken4711xQ"
APP_SECRET = "canaryAppSecret0815yZ"
REVOKED = "EAABcanaryRevoked2342wR"
SQL = """SELECT customer_key, email, phone, first_name, last_name, country, postcode, ad_consent
FROM customers"""


@dataclass(frozen=True)
class Canary:
    """One customer all of whose values are unlike anything else."""

    number: int

    @property
    def row(self) -> tuple[str, ...]:
        n = self.number
        return (
            f"c:canarykey{n}x77",
            f"Canary.Bird{n}@Aviary-{n}.Example.com",
            f"+3163141{n:04}",
            f"Quirijnhilde{n}".replace(str(n), _letters(n)),
            f"Zwartvogelaar{_letters(n)}",
            "NL",
            f"{7300 + n} ZX",
            "granted",
        )

    @property
    def planted(self) -> tuple[str, ...]:
        key, mail, phone, first, last, _, postcode, _ = self.row
        return key, mail, phone, first, last, postcode, "0" + phone.removeprefix("+31")


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


BIRDS = [Canary(n) for n in range(60)]
PLANTED = [value for bird in BIRDS for value in bird.planted] + [TOKEN, APP_SECRET, REVOKED]


@dataclass
class Aviary:
    """A desk whose shop and secrets are canaries, and all that it was heard to say."""

    desk: Desk
    faults: FaultQueue
    google: FaultQueue
    heard: dict[str, bytes] = field(default_factory=dict)

    def syncd(self, *words: str, clock: Hands | None = None, code: int = 0) -> Answer:
        """Run a command in this process and keep what it printed and what it left."""
        return self._keep(self.desk.syncd(*words, clock=clock), words, code)

    def process(self, *words: str, code: int = 0) -> Answer:
        """Likewise, as a process of its own."""
        return self._keep(self.desk.process(*words), words, code)

    def _keep(self, answer: Answer, words: tuple[str, ...], code: int) -> Answer:
        assert answer.code == code, answer.said
        step = f"{len(self.heard):03} {' '.join(words)}"
        self.heard[f"{step}: stdout"] = answer.out.encode()
        self.heard[f"{step}: stderr"] = answer.err.encode()
        for name, content in files_in(self.desk.var):
            self.heard[f"{step}: {name}"] = content
        return answer

    def fails(self, sync: str, error: type[SyncdError]) -> None:
        """Run a sync inside this process; keep the ledger open meanwhile, and the exception."""
        logged = io.StringIO()
        with open_app(self.desk.config, holder="canary", clock=Hands()) as app:
            with redirect_stdout(logged), pytest.raises(error) as raised:
                run(app.parts(sync), Wish(actor="canary"))
            step = f"{len(self.heard):03} {sync} raises {error.__name__}"
            self.heard[step] = "".join(traceback.format_exception(raised.value)).encode()
            self.heard[f"{step}: log"] = logged.getvalue().encode()
            self.heard[f"{step}: repr"] = _whole(raised.value, app).encode()
            for name, content in files_in(self.desk.var):
                self.heard[f"{step}: {name}"] = content


def _whole(error: BaseException, app: App) -> str:
    """What a careless `log.error(repr(...))` of the nearest objects would have said."""
    return repr((error, vars(error), app.settings, app.settings.accounts, app.parts("everyone")))


@pytest.fixture
def aviary(tmp_path: Path, local: Sandbox) -> Iterator[Aviary]:
    faults = FaultQueue()
    local.faults.clear()
    with _graph(faults) as endpoint:
        desk = Desk(tmp_path, local)
        desk.sql("everyone", SQL)
        for name, secret in (("token", TOKEN), ("secret", APP_SECRET), ("revoked", REVOKED)):
            path = desk.config.parent / name
            path.write_text(secret, "utf-8")
            path.chmod(0o600)
        account = desk.settings["accounts"]["meta"]
        account |= {"access_token": {"file": "token"}, "app_secret": {"file": "secret"}}
        account["endpoint"] = endpoint
        stale = {**account, "access_token": {"file": "revoked"}}
        desk.settings["accounts"]["stale"] = stale
        desk.also("to-google", account="google")
        desk.also("denied", account="stale", audience="Denied")
        _plant(desk, BIRDS[:50])
        yield Aviary(desk, faults, local.faults)


@contextmanager
def _graph(faults: FaultQueue) -> Iterator[str]:
    """A Graph API that takes the planted token and no other."""
    world = World(first_id=meta.FIRST_ID)
    server = meta.serve(world, faults, token=TOKEN, app_secret=APP_SECRET)
    with ExitStack() as stack:
        stack.callback(server.stop)
        yield f"http://127.0.0.1:{server.port}"


def _plant(desk: Desk, birds: list[Canary]) -> None:
    desk.change(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [bird.row for bird in birds]
    )


def test_nothing_planted_comes_out_anywhere(aviary: Aviary) -> None:
    """A long day: additions, a retry, refused rows, failures, a hold, an approval, exports."""
    _push_and_fail(aviary)
    _ask_wrongly(aviary)
    _hold_and_tell(aviary)

    assert aviary.heard
    names = " ".join(aviary.heard)
    for kind in (".members", ".plan", ".snapshot", "ledger.db-wal", "ledger.db:", "raises"):
        assert kind.rstrip(":") in names, f"no {kind} was looked into"
    assert leaks(PLANTED, aviary.heard) == []


def _push_and_fail(aviary: Aviary) -> None:
    """Additions and removals on both platforms, and answers that repeat what was sent."""
    aviary.process("-v", "plan")
    aviary.faults.script(
        Fault(status=500, code=2, method="add", transient=True),
        Fault(kind="refuse_rows", rows=(0, 3), method="add"),
    )
    aviary.process("-v", "sync", "everyone", code=3)
    aviary.google.script(
        Fault(kind="refuse_rows", platform="google", rows=(1,), method="add"),
    )
    aviary.syncd("-v", "sync", "to-google", "--wait", clock=Hands(), code=3)
    aviary.syncd("-v", "sync", "denied", code=77)
    aviary.fails("denied", Denied)

    gone = [("c:canarykey1x77", "")]
    aviary.desk.change("DELETE FROM customers WHERE customer_key IN (?, ?)", gone)
    _plant(aviary.desk, BIRDS[50:])
    aviary.faults.script(Fault(kind="malformed", status=401, method="remove", body=prose(190)))
    aviary.fails("everyone", Denied)
    aviary.faults.script(Fault(kind="malformed", status=401, method="remove", body=prose(190)))
    aviary.syncd("-v", "sync", "everyone", code=77)
    aviary.faults.script(Fault(kind="reset", method="remove", when="after", times=6))
    aviary.fails("everyone", Unavailable)
    aviary.faults.script(Fault(status=400, code=100, method="remove"))
    aviary.faults.script(Fault(kind="html", status=502, method="add", body=BIRDS[3].row[1]))
    aviary.faults.script(Fault(kind="malformed", status=400, method="add", body=prose(100)))
    aviary.syncd("-v", "sync", "everyone", clock=Hands(), code=3)


def _ask_wrongly(aviary: Aviary) -> None:
    """SQL that names a customer and cannot be used, for every reason that there is."""
    for sql, code in (
        (f"{SQL} WHERE nonsense(email) = '{BIRDS[2].row[1]}'", 1),
        (f"{SQL} WHERE email = '{BIRDS[2].row[1]}' AND", 78),
        (f"DELETE FROM customers WHERE email = '{BIRDS[2].row[1]}'", 78),
        (
            f"SELECT customer_key, email AS mail FROM customers WHERE phone <> '{BIRDS[4].row[2]}'",
            78,
        ),
        (f"{SQL} UNION ALL {SQL}", 1),
    ):
        aviary.desk.sql("everyone", sql)
        aviary.syncd("-v", "sync", "everyone", code=code)
        aviary.syncd("segments", "preview", "everyone", code=code)
        aviary.syncd("-v", "identity", "sample", "everyone", code=code)
    aviary.desk.sql("everyone", SQL)


def _hold_and_tell(aviary: Aviary) -> None:
    """A hold and its approval, and every command that tells what happened."""
    aviary.desk.change("DELETE FROM customers WHERE customer_key > 'c:canarykey3'")
    held = aviary.syncd("-v", "sync", "everyone", code=4)
    plan = held.out.split("syncd approve ")[1].split()[0]
    aviary.syncd("-v", "approve", plan)
    for run_ in aviary.syncd("runs", "--json").json:
        aviary.syncd("runs", "show", run_["id"], "--json")
        aviary.syncd("runs", "show", run_["id"])
    for words in (
        *(("audit", "export"), ("audit", "export", "--format", "json"), ("audit", "show")),
        *(("status",), ("status", "--json"), ("runs",), ("segments", "list", "--json")),
        *(("config", "check"), ("segments", "preview", "everyone", "--json"), ("audit", "verify")),
        *(("-v", "identity", "sample", "everyone"), ("identity", "sample", "everyone", "--json")),
    ):
        aviary.syncd(*words)
    aviary.syncd("plan", "--json", code=4)


def prose(code: int) -> str:
    """An answer in Meta's form that repeats what was sent, as vendors' prose does."""
    bird = BIRDS[5].row
    said = f"Invalid row {bird[1]} {bird[2]} for token {TOKEN}"
    return (
        f'{{"error": {{"message": "{said}", "type": "{bird[3]}", "code": {code}, '
        f'"error_user_msg": "{said}", "fbtrace_id": "{bird[1]}"}}}}'
    )


def test_the_day_did_send_what_was_planted(aviary: Aviary) -> None:
    """The search means something only if the canaries went through all the rooms."""
    aviary.syncd("sync", "to-google", "--wait")
    held = {text for _, text in aviary.desk.held(google=True)}
    mail = BIRDS[0].row[1].lower()
    assert hashlib.sha256(mail.encode()).hexdigest() in held


# --- the search can fail -----------------------------------------------------


@pytest.mark.parametrize("name", sorted(forms("Canary Bird")))
def test_the_search_finds_every_form_in_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "below").mkdir()
    content = b"\x00before" + forms("Canary Bird")[name] + b"after\xff"
    (tmp_path / "below" / "ledger.db-wal").write_bytes(content)
    found = leaks(["Canary Bird"], dict(files_in(tmp_path)))
    assert found
    assert all("below/ledger.db-wal" in line for line in found)
    assert not any("Canary Bird" in line for line in found), "a report repeats no canary"
    (tmp_path / "below" / "ledger.db-wal").write_bytes(b"nothing")
    assert leaks(["Canary Bird"], dict(files_in(tmp_path))) == []


def test_the_search_knows_the_digests_that_platforms_take() -> None:
    """Against digests made here, of values normalised by hand."""
    bird = BIRDS[7].row
    mail, phone, postcode = bird[1].lower(), bird[2], bird[6].replace(" ", "").lower()
    for value, normalised in (
        (bird[1], mail),
        (phone, phone),
        (phone, phone.removeprefix("+")),
        (bird[3], bird[3].lower()),
        (bird[6], postcode),
    ):
        digest = hashlib.sha256(normalised.encode()).digest()
        for content in (digest, digest.hex().encode(), base64.b64encode(digest)):
            assert leaks([value], {"a file": content})


def leak_in_log(patch: pytest.MonkeyPatch) -> None:
    """The log tells whom it read, in words that no filter knows."""

    def talkative(batch: pa.RecordBatch, *, policy: Policy) -> Digested:
        structlog.get_logger().warning("row_read", name=batch.column("first_name")[0].as_py())
        return digest(batch, policy=policy)

    patch.setattr("syncd.identity.digest.digest", talkative)


def leak_in_audit(patch: pytest.MonkeyPatch) -> None:
    """An audit event names whom it is about."""
    said = f"Added {BIRDS[0].row[0]} and others."
    patch.setattr("syncd.sync.outcome", lambda *_, **__: said)


def leak_in_a_file(patch: pytest.MonkeyPatch) -> None:
    """A file of the directory is written before it is encrypted."""
    import syncd.membership.store as room  # noqa: PLC0415 - the room that is broken

    receive = room.FileMembership.receive

    def careless(
        self: room.FileMembership, snapshot: Any, batches: Any, digested: Any, generation: Any
    ) -> Any:
        def leaking(raw: Raw) -> pa.RecordBatch:
            rows: pa.RecordBatch = digested(raw)
            with (self._directory / "scratch").open("ab") as file:
                file.write(b"".join(bytes(b) for b in rows.column("email").to_pylist() if b))
            return rows

        return receive(self, snapshot, batches, leaking, generation)

    patch.setattr(room.FileMembership, "receive", careless)


@pytest.mark.parametrize("plant", [leak_in_log, leak_in_audit, leak_in_a_file])
def test_a_planted_leak_is_found(
    aviary: Aviary, monkeypatch: pytest.MonkeyPatch, plant: Any
) -> None:
    plant(monkeypatch)
    aviary.syncd("-v", "sync", "to-google", "--wait")
    assert leaks(PLANTED, aviary.heard)


def test_a_copy_of_the_ledger_reads_as_a_database_without_a_canary(
    aviary: Aviary, tmp_path: Path
) -> None:
    """Every cell of every table, not only the bytes: pages may split a value."""
    aviary.syncd("sync", "to-google", "--wait")
    shutil.copy(aviary.desk.var / "ledger.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as ledger:
        names = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        cells = {
            f"table {name}": b"\n".join(
                value if isinstance(value, bytes) else str(value).encode()
                for row in ledger.execute(f'SELECT * FROM "{name}"')
                for value in row
            )
            for (name,) in names
        }
    assert len(cells) > 5
    assert leaks(PLANTED, cells) == []
