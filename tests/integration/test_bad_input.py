"""Bad input gets a clear answer, and nothing is lost: exit code, message, platform, audit."""

from __future__ import annotations

import pytest

from tests.integration.commands import SQL, Desk, approvable, audited, digests, here, refused

EMAIL_ONLY = SQL.replace("phone, ", "")


def line_of(desk: Desk, text: str) -> int:
    lines = desk.config.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


# --- configuration -----------------------------------------------------------


@pytest.mark.parametrize("words", [("config", "check"), ("plan",), ("sync", "everyone")])
def test_an_unknown_key_is_named_with_its_line_and_the_nearest(
    filled: Desk, words: tuple[str, ...]
) -> None:
    filled.sync["audiense"] = filled.sync.pop("audience")
    filled.save()
    where = f"{filled.config}:{line_of(filled, 'audiense')}"
    refused(filled, 78, where, "syncs.everyone.audiense", "audience", words=words)


def test_every_problem_of_a_file_is_told_at_once(filled: Desk) -> None:
    filled.sync["segment"] = "everione"
    filled.sync["settle"] = "soon"
    filled.settings["shop"]["timezone"] = "Europe/Amsterdm"
    filled.save()
    answer = refused(filled, 78, "no segment everione", "did you mean", "must be a duration")
    for text in ("segment: everione", "settle: soon", "timezone: "):
        assert f"{filled.config}:{line_of(filled, text)}: " in answer.err


def test_an_account_option_that_there_is_not_is_named_with_the_nearest(filled: Desk) -> None:
    account = filled.settings["accounts"]["meta"]
    account["acount_id"] = account.pop("account_id")
    filled.save()
    refused(filled, 78, f"{filled.config}:", "acount_id", "account_id")


def test_a_secret_in_the_file_is_refused_and_not_repeated(filled: Desk) -> None:
    filled.settings["accounts"]["meta"]["access_token"] = "EAAB-a-secret"
    filled.save()
    answer = refused(filled, 78, "access_token", "{file: NAME}", "${NAME}")
    assert "EAAB" not in answer.said


def test_an_access_that_meta_does_not_give_is_refused() -> None:
    answer = here("sandbox", "--meta-tier", "huge")
    assert answer.code == 2
    assert "--meta-tier is limited or full, not 'huge'" in answer.err


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    desk.config.unlink()
    refused(desk, 78, str(desk.config), "syncd init")


def test_yaml_that_cannot_be_read_has_its_line(filled: Desk) -> None:
    filled.config.write_text("shop:\n  url: [unclosed\n", "utf-8")
    refused(filled, 78, f"{filled.config}:")


def test_a_secret_file_that_is_missing_is_named(filled: Desk) -> None:
    filled.settings["accounts"]["meta"]["access_token"] = {"file": "no_such_token"}
    filled.save()
    where = f"{filled.config}:{line_of(filled, 'access_token')}"
    refused(filled, 78, where, "no_such_token", "put it there")
    audited(filled, "run_failed", "no_such_token")


# --- the shop ----------------------------------------------------------------


def test_a_shop_that_is_not_there_is_an_error_and_removes_nobody(filled: Desk) -> None:
    filled.shop.rename(filled.shop.with_suffix(".away"))
    refused(filled, 1, "everyone: ", "the shop's database cannot be opened")
    audited(filled, "run_failed", "the shop's database cannot be opened")


def test_a_server_that_does_not_answer_is_an_error(filled: Desk) -> None:
    pytest.importorskip("psycopg")
    filled.settings["shop"]["url"] = "postgresql+psycopg://reader@127.0.0.1:1/shop"
    filled.save()
    refused(filled, 1, "everyone: ", "the shop's database could not be reached")
    audited(filled, "run_failed", "could not be reached")


def test_a_missing_table_is_named(filled: Desk) -> None:
    filled.change("ALTER TABLE customers RENAME TO clients")
    refused(filled, 1, "has no table of that name", "customers")
    audited(filled, "run_failed", "has no table of that name", "customers")


def test_a_missing_column_of_the_shop_is_an_error(filled: Desk) -> None:
    filled.change("ALTER TABLE customers RENAME COLUMN email TO mail")
    refused(filled, 1, "has no column of a name that the SQL uses", "customers")
    audited(filled, "run_failed", "has no column")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM customers", "writes or is a command; it must be one SELECT"),
        ("INSERT INTO customers (customer_key) VALUES ('x')", "writes"),
        (f"{SQL}; {SQL}", "holds 2 statements; it must be one SELECT"),
        (f"{SQL}; DROP TABLE customers", "holds 2 statements"),
        ("PRAGMA writable_schema = 1", "it must be one SELECT"),
        ("SELECT FROM WHERE", "cannot be read as one SELECT"),
    ],
)
def test_sql_that_is_not_one_select_is_refused_with_its_file(
    filled: Desk, sql: str, said: str
) -> None:
    filled.sql("everyone", sql)
    before = filled.shop.read_bytes()
    refused(filled, 78, "segments/everyone.sql", said)
    assert filled.shop.read_bytes() == before
    audited(filled, "run_failed", said)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (SQL.replace(" FROM", ", 42 AS shoe_size FROM"), "unknown column 'shoe_size'"),
        (
            SQL.replace("email", "email AS e_mail"),
            "unknown column 'e_mail' (did you mean 'email'?)",
        ),
        ("SELECT email FROM customers", "the segment does not return customer_key"),
        ("SELECT customer_key, email, phone AS email FROM customers", "email more than once"),
    ],
)
def test_a_column_that_syncd_does_not_know_is_refused(filled: Desk, sql: str, said: str) -> None:
    filled.sql("everyone", sql)
    refused(filled, 78, "segments/everyone.sql", said)
    audited(filled, "run_failed", said)


def test_an_empty_or_missing_sql_file_is_refused(filled: Desk) -> None:
    filled.sql("everyone", "\n")
    refused(filled, 78, "everyone.sql", "the file is empty")
    (filled.config.parent / "segments" / "everyone.sql").rename(
        filled.config.parent / "segments" / "everybody.sql"
    )
    refused(filled, 78, "there is no file", "everybody.sql")


def test_a_key_that_stands_twice_fails_the_read(filled: Desk) -> None:
    filled.join(3)
    filled.leave(4)
    answer = refused(filled, 1, "of 10 rows 0 have no customer_key and 1 repeat one")
    audited(filled, "run_failed", "1 repeat one")
    assert "c:00003" not in answer.said


def test_a_key_that_is_missing_fails_the_read(filled: Desk) -> None:
    filled.change("UPDATE customers SET customer_key = NULL WHERE customer_key = 'c:00003'")
    refused(filled, 1, "of 10 rows 1 have no customer_key")
    audited(filled, "run_failed", "1 have no customer_key")


def test_zero_rows_remove_nobody(filled: Desk) -> None:
    filled.change("DELETE FROM customers")
    refused(filled, 4, "returned 0 rows and no usable member: nobody is removed", "preview")
    audited(filled, "run_held", "nobody is removed")
    refused(filled, 4, "returned 0 rows", words=("plan", "everyone"))


def test_rows_that_are_all_unusable_remove_nobody(filled: Desk) -> None:
    filled.change("UPDATE customers SET email = 'none', phone = NULL")
    refused(filled, 4, "returned 10 rows and no usable member: nobody is removed")


def test_a_column_that_vanished_holds_removals_and_lets_additions_go(filled: Desk) -> None:
    """`approve` lets them go, and afterwards the new columns are the usual ones."""
    filled.sql("everyone", EMAIL_ONLY)
    filled.join(10)
    answer = filled.syncd("sync", "everyone")
    assert answer.code == 4
    assert "the segment's columns changed: -phone" in answer.out
    assert "syncd approve" in answer.out
    assert filled.held() == digests(*range(10)) | digests(10, phones=False)
    assert any("plan_held" in line and "-phone" in line for line in filled.audit())
    plan = approvable(answer)
    status = filled.syncd("status", "--json").json["syncs"][0]
    assert (status["state"], status["needs"]) == ("held", f"syncd approve {plan}")
    approved = filled.syncd("approve", plan)
    assert approved.code == 0, approved.said
    assert filled.held() == digests(*range(11), phones=False)
    assert filled.syncd("sync", "everyone").code == 0


def test_a_column_in_a_new_format_holds_removals_though_few(desk: Desk) -> None:
    """A quarter of the phones became names: fewer than the guard's share, and no leavers."""
    desk.sync["guard"] = {"max_removed": "90%", "min_members": 0}
    desk.save()
    desk.join(*range(80))
    assert desk.syncd("sync", "everyone").code == 0
    desk.change("UPDATE customers SET phone = 'see notes' WHERE customer_key < 'c:00020'")
    answer = desk.syncd("sync", "everyone")

    assert answer.code == 4
    assert "20 of 80 rows have an unusable phone (25%, last time 0%)" in answer.out
    assert desk.held() == digests(*range(80))
    assert desk.syncd("approve", approvable(answer)).code == 0
    assert desk.held() == digests(*range(20), phones=False) | digests(*range(20, 80))
    assert desk.syncd("sync", "everyone").code == 0


# --- rows --------------------------------------------------------------------


def test_rows_without_a_usable_identifier_are_counted_by_reason(desk: Desk) -> None:
    desk.join(*range(20))
    desk.change("UPDATE customers SET email = 'none' WHERE customer_key = 'c:00001'")
    desk.change("UPDATE customers SET email = 'a b@example.com' WHERE customer_key = 'c:00002'")
    desk.change(
        "UPDATE customers SET email = 'nobody', phone = '12' WHERE customer_key = 'c:00003'"
    )
    answer = desk.syncd("sync", "everyone")
    assert answer.code == 0, "3 of 20 are within max_unusable"
    run = desk.syncd("runs", "--json").json[0]["id"]
    shown = desk.syncd("runs", "show", run, "--json").json["snapshot"]
    assert (shown["rows"], shown["usable"]) == (20, 19)
    counted = {(each["field"], each["reason"]): each["count"] for each in shown["refused"]}
    assert counted["email", "placeholder"] == 1
    assert counted["email", "white space inside"] == 1
    assert sum(count for (field, _), count in counted.items() if field == "email") == 3
    assert sum(count for (field, _), count in counted.items() if field == "phone") == 1
    lines = desk.syncd("runs", "show", run).out
    assert "read 20 rows, 19 usable" in lines
    assert "1 x email: placeholder" in lines


def test_too_many_unusable_rows_exit_3_and_the_others_go(desk: Desk) -> None:
    desk.join(*range(20))
    bad = [(f"c:{n:05}",) for n in range(5)]
    desk.change("UPDATE customers SET email = NULL, phone = '' WHERE customer_key = ?", bad)
    answer = desk.syncd("sync", "everyone")
    assert answer.code == 3
    assert "5 rows of the segment have no usable identifier: too many" in answer.out
    audited(desk, "run_finished", "5 rows of the segment have no usable identifier")
    assert desk.held() == digests(*range(5, 20))
    desk.sync["max_unusable"] = "25%"
    desk.save()
    assert desk.syncd("sync", "everyone").code == 0
