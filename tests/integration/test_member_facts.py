"""Values and limited use, from a shop's columns to what Meta was told, by the command line."""

from __future__ import annotations

import pytest

from tests.integration.commands import Answer, Desk, digests, email, here, refused

SQL = "SELECT customer_key, email, phone, country, ad_consent, value FROM customers"
LIMITED = SQL.replace(", value", ", limited_data_use")
VALUE, OPTIONS = "LOOKALIKE_VALUE", "DATA_PROCESSING_OPTIONS"


@pytest.fixture
def worth(desk: Desk) -> Desk:
    """Three customers with values, for a value-based audience."""
    for column in ("value", "limited_data_use"):
        desk.change(f"ALTER TABLE customers ADD COLUMN {column}")
    desk.join(1, 2, 3)
    desk.change(
        "UPDATE customers SET value = ? WHERE email = ?",
        [(100.0, email(1)), (0.1 + 0.2, email(2)), (None, email(3))],
    )
    desk.sql("everyone", SQL)
    audience_is(desk, value_based=True)
    return desk


def audience_is(desk: Desk, **options: object) -> None:
    desk.sync["audience"] = {"name": "Everyone", **options}
    desk.save()


def is_worth(desk: Desk, number: int, value: object) -> None:
    desk.change("UPDATE customers SET value = ? WHERE email = ?", [(value, email(number))])


def told(desk: Desk, key: str = VALUE) -> list[object]:
    """What Meta was last told of customers 1, 2 and 3."""
    about = desk.audience().told
    return [
        about.get(next(iter(digests(number, phones=False))), {}).get(key) for number in (1, 2, 3)
    ]


def synced(desk: Desk, code: int = 0) -> Answer:
    answer = desk.syncd("sync", "everyone")
    assert answer.code == code, answer.said
    return answer


def rows_added(desk: Desk) -> int:
    return desk.local.meta_world.rows["add"]


def test_values_reach_a_value_based_audience_and_follow_the_shop(worth: Desk) -> None:
    """Sent again once they moved by a tenth; the removal is of the row that was sent."""
    synced(worth)
    assert worth.audience().about["is_value_based"] is True
    assert told(worth) == ["100", "0.3", ""]

    before = rows_added(worth)
    is_worth(worth, 1, 104.0)
    synced(worth)
    assert rows_added(worth) == before, "too little to be told"

    is_worth(worth, 1, 110.0)
    synced(worth)
    assert (rows_added(worth) - before, told(worth)) == (1, ["110", "0.3", ""])
    assert "1 of those to add are there; only details of them changed" in worth.audit()[-2]

    worth.leave(1)
    worth.settings["syncs"]["everyone"]["guard"] = {"min_members": 0, "max_removed": "100%"}
    worth.save()
    synced(worth)
    assert worth.held() == digests(2, 3)


def test_what_is_no_value_is_refused_by_name_and_its_member_sent_without(worth: Desk) -> None:
    is_worth(worth, 1, "much")
    is_worth(worth, 2, -5)
    is_worth(worth, 3, 9e999)
    synced(worth)
    assert told(worth) == ["", "", ""]
    assert worth.held() == digests(1, 2, 3)
    sampled = worth.syncd("identity", "sample", "everyone", "--platform", "meta")
    assert "not a number from 0 up" in sampled.out
    assert "much" not in sampled.said


def test_a_plain_audience_is_told_no_value(worth: Desk) -> None:
    audience_is(worth)
    is_worth(worth, 1, "much")
    synced(worth)
    assert worth.audience().told == {}
    assert worth.held() == digests(1, 2, 3)


def test_a_value_based_audience_needs_a_column(worth: Desk) -> None:
    """Said before the audience is made."""
    worth.sql("everyone", SQL.replace(", value", ""))
    said = "everyone.audience.value_based: the segment returns no column value; add it to the"
    refused(worth, 78, said)
    refused(worth, 78, said, words=("plan", "everyone"))
    assert not worth.local.meta_world.named(worth.meta_account, "Everyone")


def test_an_audience_that_we_filled_cannot_become_value_based(worth: Desk) -> None:
    """Or plain again; a plan that was shown in between changes nothing of that."""
    audience_is(worth)
    synced(worth)
    audience_is(worth, value_based=True)
    assert worth.syncd("plan", "everyone").code == 0
    said = "Meta has it without, and one cannot become the other: name another audience"
    refused(worth, 78, said)
    doctored = worth.syncd("doctor", "accounts")
    assert doctored.code == 1
    assert "meta, audience Everyone: UNUSABLE (made_otherwise): `value_based: true`" in doctored.out
    audience_is(worth)
    synced(worth)
    assert worth.syncd("doctor", "accounts").code == 0


@pytest.mark.parametrize("based", [True, False])
def test_an_audience_that_is_found_is_taken_only_as_it_is(worth: Desk, *, based: bool) -> None:
    """By the run, and by doctor, which knows it by its name alone."""
    found = worth.local.meta_world.create(worth.meta_account, "Everyone")
    found.about["is_value_based"] = based
    audience_is(worth, **({} if based else {"value_based": True}))
    refused(worth, 78, "one cannot become the other")
    assert "UNUSABLE (made_otherwise)" in worth.syncd("doctor", "accounts").out
    audience_is(worth, **({"value_based": True} if based else {}))
    synced(worth)
    assert told(worth) == (["100", "0.3", ""] if based else [None] * 3)


def test_only_true_or_false_says_whether_an_audience_is_value_based(worth: Desk) -> None:
    audience_is(worth, value_based="yes")
    answer = worth.syncd("config", "check")
    assert answer.code == 78
    assert "value_based: must be true or false" in answer.err


def test_an_erasure_takes_out_who_has_a_value(worth: Desk) -> None:
    worth.sql("everyone", SQL.replace(", value", ", value, limited_data_use"))
    synced(worth)
    answer = here("erase", config=worth.config, given=email(1).encode())
    assert answer.code == 0, answer.said
    assert worth.held() == digests(2, 3)


def test_values_stay_out_of_logs_and_ledger(worth: Desk) -> None:
    secret = "48151623.42"
    is_worth(worth, 1, secret)
    answers = [synced(worth), worth.syncd("plan", "everyone"), worth.syncd("doctor")]
    assert told(worth)[0] == secret
    for answer in answers:
        assert secret not in answer.said
    assert secret not in "\n".join(worth.audit())
    for path in worth.var.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path.name


# --- limited data use -----------------------------------------------------------------


@pytest.fixture
def limited(worth: Desk) -> Desk:
    """A plain audience whose segment says whose use is limited: customer 1's."""
    worth.change("UPDATE customers SET limited_data_use = ? WHERE email = ?", [("yes", email(1))])
    worth.sql("everyone", LIMITED)
    audience_is(worth)
    return worth


def limits(desk: Desk, number: int, said: object) -> None:
    desk.change(
        "UPDATE customers SET limited_data_use = ? WHERE email = ?", [(said, email(number))]
    )


def test_limited_use_is_told_of_each_member_and_again_when_it_changes(limited: Desk) -> None:
    synced(limited)
    assert told(limited, OPTIONS) == [["LDU"], [], []]
    before = rows_added(limited)
    limits(limited, 1, 0)
    limits(limited, 2, True)
    synced(limited)
    assert rows_added(limited) == before + 2
    assert told(limited, OPTIONS) == [[], ["LDU"], []]


def test_what_cannot_be_read_limits(limited: Desk) -> None:
    limits(limited, 2, "perhaps")
    synced(limited)
    assert told(limited, OPTIONS) == [["LDU"], ["LDU"], []]
    sampled = limited.syncd("identity", "sample", "everyone", "--platform", "meta")
    assert "neither yes nor no" in sampled.out


def test_a_column_that_comes_later_sends_those_again_whom_it_limits(limited: Desk) -> None:
    """One without it has no such key at all; everybody can still be removed."""
    limited.sql("everyone", SQL.replace(", value", ""))
    synced(limited)
    assert limited.audience().told == {}
    before = rows_added(limited)
    limited.sql("everyone", LIMITED)
    synced(limited)
    assert (rows_added(limited) - before, told(limited, OPTIONS)) == (1, [["LDU"], None, None])
    limited.leave(1, 2)
    limited.sync["guard"] = {"min_members": 0, "max_removed": "100%"}
    limited.save()
    synced(limited)
    assert limited.held() == digests(3)


def test_another_platform_takes_neither(limited: Desk) -> None:
    limited.sql("everyone", SQL.replace(", value", ", value, limited_data_use"))
    limits(limited, 1, "perhaps")
    limited.change("UPDATE customers SET ad_consent = 'granted'")
    limited.also("google", account="google", audience="G")
    answer = limited.syncd("sync", "google", "--wait")
    assert answer.code == 0, answer.said
    assert limited.held("G", google=True) == digests(1, 2, 3, google=True)
