"""`segments preview`: shares, reach, reasons, past moments; and nothing that tells who is in."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from syncd.app import open_app
from tests.integration.canaries import leaks
from tests.integration.canonical_desk import consents, key, orders, people
from tests.integration.commands import Answer, Desk, Hands, email, phone
from tests.integration.databases import DIALECTS, Database, MakeDatabase
from tests.integration.known_key import know
from tests.integration.shops.every import loaded

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Amsterdam")
PEOPLE = range(40)
USED: Mapping[str, Mapping[str, object]] = {
    "back": {"use": "returning_customers", "with": {"days": 60}},
    "dear": {"use": "spend_level", "with": {"min": 50, "max": 200}},
    "overdue": {"use": "reactivation_30_60"},
    "once": {"use": "one_time", "with": {"min": 10, "max": 90}},
}

Order = tuple[int, str, str]


def bought() -> list[Order]:
    """Of each person one to four orders, in the two hundred days until now; one also long ago."""
    made = [
        (n, f"{NOW - timedelta(days=(7 * n + 47 * k) % 200, hours=n % 24):%F %T}", f"{10 + n}.50")
        for n in PEOPLE[:-3]
        for k in range(1 + n % 4)
    ]
    return [*made, (0, "2024-05-05 12:00:00", "5000.00")]


def lately() -> list[tuple[int, float]]:
    """Who paid what in the year until now; an order of this very moment is not until now."""
    year = f"{NOW - timedelta(days=365):%F %T}", f"{NOW:%F %T}"
    return [(who, float(paid)) for who, at, paid in bought() if year[0] <= at < year[1]]


def members(name: str, at: datetime, history: Iterable[Order]) -> set[int]:
    """Who is in one of `USED` at a moment, in plain Python."""
    spent, count = defaultdict[int, float](float), defaultdict[int, int](int)
    last = dict[int, datetime]()
    for who, when, paid in history:
        placed = datetime.fromisoformat(when).replace(tzinfo=UTC)
        if placed < at.replace(microsecond=0):
            spent[who] += float(paid)
            last[who] = max(placed, last.get(who, placed))
            count[who] += 1
    today = at.astimezone(ZONE).date()

    def ago(days: int) -> datetime:
        day = today - timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=ZONE)

    rules: dict[str, Callable[[int], bool]] = {
        "back": lambda n: count[n] >= 2 and last[n] >= ago(60),
        "dear": lambda n: 50 <= spent[n] < 200,
        "overdue": lambda n: ago(60) <= last[n] < ago(30),
        "once": lambda n: count[n] == 1 and ago(90) <= last[n] < ago(10),
    }
    return {n for n in last if rules[name](n)}


@pytest.fixture
def shop(desk: Desk, canonical: Database) -> Database:
    """Forty people of whom three never bought; three have denied, ten have granted."""
    know(desk)
    desk.sql("everyone", "SELECT customer_key, email, phone, country FROM customers")
    desk.settings["segments"] |= {name: dict(one) for name, one in USED.items()}
    desk.save()
    people(canonical, PEOPLE)
    orders(canonical, bought())
    said = [(n, "ads", "denied") for n in range(3)] + [(n, "ads", "granted") for n in range(3, 13)]
    consents(canonical, said)
    return canonical


def ask(desk: Desk, *words: str) -> Answer:
    answer = desk.syncd("segments", "preview", *words, clock=Hands(NOW))
    assert answer.code == 0, answer.said
    return answer


def digests(desk: Desk, numbers: Iterable[int]) -> list[str]:
    """Of these people's keys, by hand."""
    with open_app(desk.config) as app:
        begun = app.shown_key
    return sorted(
        hashlib.blake2b(key(n).encode(), digest_size=16, key=begun).hexdigest() for n in numbers
    )


# --- the past -----------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_members_of_the_past_are_those_that_the_orders_until_then_make(desk: Desk) -> None:
    for name in USED:
        for days in (0, 8, 100):
            at = NOW - timedelta(days=days)
            found = ask(desk, name, "--as-of", at.isoformat(), "--members", "--json").json
            expected = members(name, at, bought())
            assert found["members"] == digests(desk, expected)
            assert found["rows"] == len(expected)
            assert datetime.fromisoformat(found["as_of"]) == at


@pytest.mark.usefixtures("shop")
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(sorted(USED)),
    order=st.sampled_from(bought()),
    beside=st.integers(-1, 1),
    days=st.sampled_from([0, 10, 30, 60, 90]),
)
def test_members_are_right_at_the_very_moment_when_they_change(
    desk: Desk, name: str, order: Order, beside: int, days: int
) -> None:
    """An order counts from the second after it; days begin where the shop is."""
    placed = datetime.fromisoformat(order[1]).replace(tzinfo=UTC)
    at = min(placed + timedelta(days=days, seconds=beside), NOW)
    found = ask(desk, name, "--as-of", at.isoformat(), "--members").out.split()
    assert found == digests(desk, members(name, at, bought()))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_now_is_the_moment_that_is_answered_for_where_none_is_said(desk: Desk) -> None:
    for name in ("back", "whales", "once"):
        then = ask(desk, name, "--as-of", NOW.isoformat(), "--members", "--json").json
        assert then.pop("notes")
        plain = ask(desk, name, "--members", "--json").json
        assert plain.pop("notes") == []
        assert then == plain


@pytest.mark.usefixtures("shop")
def test_show_and_overlap_answer_for_the_past_too(desk: Desk) -> None:
    past = NOW - timedelta(days=100)
    words = ("--as-of", past.isoformat(), "--json")
    found = desk.syncd("segments", "overlap", "back", "once", "everyone", *words, clock=Hands(NOW))
    assert found.code == 0, found.said
    sizes = found.json["overlap"]["sizes"]
    assert sizes["back"] == len(members("back", past, bought())) > 0
    assert sizes["once"] == len(members("once", past, bought())) > 0
    assert any("segment everyone does not ask for :as_of" in note for note in found.json["notes"])
    shown = desk.syncd("segments", "show", "back", *words, clock=Hands(NOW)).json
    assert datetime.fromisoformat(shown["binds"]["as_of"]) == past


@pytest.mark.parametrize("command", ["preview", "show", "overlap"])
@pytest.mark.parametrize(
    ("moment", "why"),
    [("2027-01-01", "must not lie in the future"), ("yore", "is no moment; write 30d")],
)
@pytest.mark.usefixtures("shop")
def test_a_moment_that_cannot_be_is_refused(
    desk: Desk, command: str, moment: str, why: str
) -> None:
    answer = desk.syncd("segments", command, "back", "--as-of", moment, clock=Hands(NOW))
    assert answer.code == 2, answer.said
    assert why in answer.err


# --- what it is a part of -----------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_shares_are_those_of_the_survey(desk: Desk) -> None:
    survey = desk.syncd("segments", "survey", "--json", clock=Hands(NOW)).json["survey"]
    assert survey["customers"] == len(PEOPLE)
    assert survey["revenue"] == round(sum(paid for _, paid in lately()) * 10_000)
    for each in survey["segments"]:
        found = ask(desk, each["segment"], "--json").json
        assert found["rows"] == each["members"]
        assert found["shares"] == {
            "since": survey["since"],
            "customers": survey["customers"],
            "buyers": each["buyers"],
            "revenue": each["revenue"],
            "all_revenue": survey["revenue"],
            "trouble": "",
        }


def test_people_read_shares_and_why_they_are_not_known(desk: Desk, shop: Database) -> None:
    mine = members("dear", NOW, bought())
    part = sum(paid for who, paid in lately() if who in mine) / sum(paid for _, paid in lately())
    said = ask(desk, "dear").out
    assert f"of all 40 customers: {len(mine) / 40:.1%}" in said
    assert f"of all revenue since 2025-11-01: {part:.1%} (" in said
    assert "Google customer match (no sync yet): " in said
    assert "how many people that reaches is not known: it stated no match rate here yet" in said
    shop.execute("DROP TABLE orders")
    without = ask(desk, "everyone").out
    assert "of all 40 customers: 100.0%" in without
    assert "share of revenue not known: " in without


# --- reach --------------------------------------------------------------------------------


def test_reach_is_whom_the_next_run_would_send(desk: Desk) -> None:
    """By the sync's own identifiers, consent rule, hold-out and arm."""
    know(desk)
    desk.settings["segments"]["everyone"] |= {"holdout": "25%", "arms": ["a", "b"]}
    desk.sync["arm"] = "a"
    desk.also("granted", account="google", audience="Granted", consent="granted", arm="b")
    desk.join(*range(60))
    desk.join(*range(60, 80), consent="granted")
    desk.join(*range(80, 90), consent="denied", country="US")
    desk.change("UPDATE customers SET email = 'none', phone = '' WHERE customer_key < 'c:00005'")
    reach = {each["sync"]: each for each in desk.syncd(
        "segments", "preview", "everyone", "--json").json["reach"]}  # fmt: skip
    assert set(reach) == {"everyone", "granted"}
    for name, each in reach.items():
        (plan,) = desk.syncd("plan", name, "--json").json
        assert each["sendable"] == plan["counts"]["additions"] > 0
        kept = {why: n for why, n in each["lost"].items() if why != "no usable identifier"}
        assert kept == plan["counts"]["lost"]
        assert each["sendable"] + sum(each["lost"].values()) == 90
        assert (each["rate"], each["people"]) == (None, None)
    assert reach["everyone"]["lost"]["denied"] == 10
    assert reach["everyone"]["lost"]["no usable identifier"] == 5
    assert reach["granted"]["lost"]["not granted"] == 55
    assert reach["everyone"]["lost"]["in another arm"] > 0


def test_a_match_rate_is_the_audiences_own_else_that_of_others_there(filled: Desk) -> None:
    filled.join(*range(10, 2_000))
    filled.audience().about.update(matched=1_234)
    assert filled.syncd("sync", "everyone").code == 0
    own = filled.syncd("segments", "preview", "everyone", "--json").json["reach"]
    (meta,) = (each for each in own if each["sync"] == "everyone")
    assert meta["rate"]["audiences"] == 0
    assert (meta["rate"]["least"], meta["rate"]["most"]) == (0.6, 0.7)
    assert meta["people"] == [1200, 1400]
    (google,) = (each for each in own if each["platform"] == "google")
    assert (google["sync"], google["rate"], google["sendable"]) == ("", None, 0)
    assert google["lost"] == {"not granted where that is required": 2000}
    filled.sql("few", "SELECT customer_key, email FROM customers WHERE customer_key < 'c:00100'")
    filled.settings["segments"]["few"] = {"sql": "segments/few.sql"}
    filled.save()
    said = filled.syncd("segments", "preview", "few").out
    assert "Meta (no sync yet): 100 could be sent\n" in said
    assert "about 60 to 70 people, as 1 other audience there matched: 60% to 70% (" in said
    assert "as its own audience matched: 60% to 70%" in filled.syncd(
        "segments", "preview", "everyone"
    ).out  # fmt: skip


# --- why ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_five_members_are_shown_with_what_decides(desk: Desk) -> None:
    said = ask(desk, "back").out
    lines = said[said.index("why 5 of them are in") :].splitlines()
    assert "chosen by returning_customers: orders 2 (orders), days 60 (calendar days)" in said
    made: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for who, at, paid in bought():
        made[digests(desk, [who])[0]].append((datetime.fromisoformat(at), float(paid)))
    assert len(lines) == 6
    for line in lines[1:]:
        digest, shape = line.split(":")[0].split()
        mine = sorted(made[digest])
        days = sorted({at.replace(tzinfo=UTC).astimezone(ZONE).date() for at, _ in mine})
        ago = (NOW.astimezone(ZONE).date() - days[-1]).days
        assert shape.startswith("xxxxxx0")
        assert shape.endswith("@xxxxxxx.xxx")
        assert f"{len(mine)} orders, {sum(paid for _, paid in mine):,.2f} in all, " in line
        assert f"the last {f'{ago} day' if ago else 'today'}" in line
        assert f"every {(days[-1] - days[0]).days / (len(days) - 1):,.0f} days" in line


@pytest.mark.usefixtures("shop")
def test_the_same_five_are_shown_again_and_why_says_where_a_segment_is_from(desk: Desk) -> None:
    desk.sql("mine", "SELECT customer_key, email FROM customers WHERE customer_key >= 'c:00010'")
    desk.settings["segments"] |= {
        "mine": {"sql": "segments/mine.sql"},
        "some": {"any": ["back", "mine"], "none": ["once"]},
        "all": {"use": "all_customers"},
    }
    desk.save()
    own = ask(desk, "mine").out
    assert own.count("returned by your SQL, segments/mine.sql") == 5
    made = ask(desk, "some").out
    assert "chosen by any of back, mine; none of once" in made
    assert "in mine" in made
    both = {n for n in members("back", NOW, bought()) if n >= 10} - members("once", NOW, bought())
    shown = [line.split()[0] for line in made[made.index("why 5") :].splitlines()[1:6]]
    for digest in shown:
        (line,) = (line for line in made.splitlines() if digest in line)
        assert ("in back; in mine" in line) == (digest in digests(desk, both))
    later = ask(desk, "all", "--as-of", (NOW - timedelta(seconds=1)).isoformat()).out
    assert _five(ask(desk, "all").out) == _five(later)


def _five(said: str) -> list[str]:
    return [line.split()[0] for line in said[said.index("why 5") :].splitlines()[1:6]]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nobody_can_be_told_from_what_is_printed_or_kept(desk: Desk, shop: Database) -> None:
    canaries = [f(n) for n in PEOPLE for f in (email, phone, key)]
    for name in ("back", "everyone", "newsletter_subscribers"):
        for words in ((), ("--json",), ("--members",), ("--members", "--json"), ("--as-of", "9d")):
            answer = ask(desk, name, *words)
            places = {"what is printed": answer.said.encode()}
            assert leaks(canaries, places) == []
    shop.execute("DROP TABLE consents")
    broken = desk.syncd("segments", "preview", "back", clock=Hands(NOW))
    assert broken.code != 0
    files = {str(path): path.read_bytes() for path in desk.var.rglob("*") if path.is_file()}
    assert leaks(canaries, {**files, "what is printed": broken.said.encode()}) == []


@pytest.mark.usefixtures("shop")
def test_members_are_digests_in_an_order_that_says_nothing_and_json_shows_none_unasked(
    desk: Desk,
) -> None:
    found = ask(desk, "dear", "--members")
    assert found.out.split() == digests(desk, members("dear", NOW, bought()))
    assert "members" not in ask(desk, "dear", "--json").json
    assert found.out.split()[0] not in ask(desk, "dear", "--json").out
    cells = desk.syncd("segments", "preview", "rfm_cell", "--members", clock=Hands(NOW))
    assert cells.code == 2
    assert "names no cell" in cells.err


def test_a_shop_systems_own_tables_say_why(
    desk: Desk, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a guest, whose key is a digest under a key of this ledger."""
    address = make_url(loaded("shopify", make_database).url)
    desk.settings["shop"] = {
        "url": address._replace(password=None).render_as_string(),
        "schema": "shopify",
        "default_country": "NL",
        "timezone": "Europe/Amsterdam",
    }
    if address.password:
        monkeypatch.setenv("SHOP_PASSWORD", address.password)
        desk.settings["shop"]["password"] = "${SHOP_PASSWORD}"
    desk.settings["segments"]["guest"] = {"use": "one_time", "with": {"min": 390, "max": 400}}
    desk.save()
    answer = desk.syncd("segments", "preview", "guest", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    assert "of all revenue since 2025-11-01: " in answer.out
    assert ": 1 order, " in answer.out
    assert " in all, the last 397 days ago\n" in answer.out
    assert "not known in whole" not in answer.out
    found = desk.syncd("segments", "preview", "all_customers", "--json", clock=Hands(NOW)).json
    assert found["shares"]["trouble"] == ""
    assert 0 < found["shares"]["buyers"] <= found["rows"] < found["shares"]["customers"]
