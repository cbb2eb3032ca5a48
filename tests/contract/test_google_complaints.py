"""Which tests answer what users of Google's customer match complain about, row by row.

The rows are those of the fact sheet on Google, part 7; each names its source there. A row has a
test over the real client library of each API that it can befall, or says why it cannot.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import pytest

ADS = "tests.contract.test_google_ads_"
DM = "tests.contract.test_google_"
RUNS = "tests.integration.test_google_complaints::"
NO_JOBS = "the Data Manager API has no jobs: one request is the whole upload"


class Row(NamedTuple):
    """A complaint.

    Attributes:
        what: As users put it.
        google, google_ads: Tests of each connector, as module::name; or one sentence why it has
            none.
    """

    what: str
    google: tuple[str, ...] | str
    google_ads: tuple[str, ...] | str


ROWS = (
    Row(
        "CONCURRENT_MODIFICATION when adding ops from parallel workers",
        (f"{DM}classes::test_what_passes_is_an_unknown_outcome",),
        (
            f"{ADS}classes::test_another_change_of_the_list_is_waited_for",
            f"{RUNS}test_a_job_that_another_request_fills_is_waited_for",
        ),
    ),
    Row(
        "job PENDING forever / list stays empty",
        (f"{RUNS}test_work_that_google_never_ends_is_told",),
        (
            f"{ADS}jobs::test_an_upload_is_one_job_that_its_last_batch_runs",
            f"{ADS}jobs::test_a_job_that_a_killed_run_left_is_run_by_the_question_after_it",
            (
                "tests.integration.test_google_ads_runs::"
                "test_jobs_that_could_not_be_run_are_run_when_they_are_asked_about"
            ),
            f"{RUNS}test_work_that_google_never_ends_is_told",
        ),
    ),
    Row(
        "example hangs on `.result()`",
        (
            f"{RUNS}test_a_run_that_does_not_wait_ends_while_google_works",
            f"{DM}answers::test_a_deadline_ends_a_silent_call",
        ),
        (
            f"{RUNS}test_a_run_that_does_not_wait_ends_while_google_works",
            f"{ADS}account::test_every_call_has_a_deadline",
        ),
    ),
    Row(
        "responses empty, audience not visible",
        (
            f"{DM}wire::test_a_size_of_0_says_nothing",
            f"{RUNS}test_a_small_list_says_why_it_shows_no_size",
        ),
        (f"{RUNS}test_a_small_list_says_why_it_shows_no_size",),
    ),
    Row(
        "remove_all then create raced",
        (
            f"{DM}cut::test_who_was_added_again_since_stays_and_a_late_addition_does_not_make_one_older",
            "tests.integration.test_platforms::test_an_audience_is_replaced_and_others_are_out",
        ),
        (f"{ADS}jobs::test_no_job_ever_removes_all",),
    ),
    Row(
        "mixed create/remove",
        (f"{DM}wire::test_a_removal_names_only_its_cells_without_terms_or_consent",),
        (f"{ADS}jobs::test_additions_and_removals_never_share_a_job",),
    ),
    Row(
        "one malformed id failed the batch",
        (
            f"{DM}answers::test_named_fields_become_rows",
            (
                "tests.integration.test_refused_requests::"
                "test_three_bad_rows_of_ten_thousand_are_found_and_the_others_go_out"
            ),
        ),
        (f"{ADS}classes::test_an_error_of_a_row_refuses_that_row",),
    ),
    Row(
        'tool says "Failed" without detail, stopped suddenly',
        (
            f"{DM}answers::test_a_request_id_is_passed_on_for_support",
            f"{RUNS}test_a_request_that_is_refused_tells_its_code_and_googles_id",
        ),
        (f"{RUNS}test_a_request_that_is_refused_tells_its_code_and_googles_id",),
    ),
    Row(
        "three API calls per contact, quota gone; unnormalised hashes",
        (
            f"{DM}wire::test_10_000_members_with_every_identifier_are_one_request",
            f"{RUNS}test_a_contact_costs_no_request_of_its_own",
            (
                "tests.unit.test_identity_vectors::"
                "test_promise_9_every_vector_comes_out_alone_and_in_a_column"
            ),
        ),
        (
            f"{RUNS}test_a_contact_costs_no_request_of_its_own",
            "tests.integration.test_google_ads_runs::test_days_of_changes_are_equal",
        ),
    ),
    Row(
        "identifiers of several people in one operation",
        (f"{DM}wire::test_a_member_travels_as_one_user_data_with_consent_and_terms",),
        (f"{ADS}jobs::test_one_person_is_one_operation_and_an_address_needs_its_four_parts",),
    ),
    Row(
        "PERMISSION_DENIED after a working month",
        (
            f"{DM}classes::test_a_denial_says_what_to_do",
            f"{RUNS}test_an_account_that_is_denied_after_a_working_month_says_why",
        ),
        (
            f"{ADS}classes::test_what_the_account_may_not_do_denies_it_and_says_what_to_do",
            f"{RUNS}test_an_account_that_is_denied_after_a_working_month_says_why",
        ),
    ),
    Row(
        "'int' object has no attribute 'name'",
        (
            f"{DM}classes::test_every_reason_of_a_status_is_told_by_its_name",
            f"{DM}lists::test_a_list_says_how_it_is",
        ),
        (
            f"{ADS}account::test_every_version_that_is_spoken_works",
            f"{ADS}jobs::test_a_status_that_is_newer_than_the_sdk_is_still_under_way",
        ),
    ),
    Row(
        "audience drained to near zero, network flags it",
        (f"{RUNS}test_a_segment_that_halves_drains_no_list",),
        (f"{RUNS}test_a_segment_that_halves_drains_no_list",),
    ),
    Row(
        "version sunset broke a pipeline",
        (f"{RUNS}test_a_version_that_google_retired_is_one_line",),
        (
            f"{RUNS}test_a_version_that_google_retired_is_one_line",
            f"{ADS}account::test_every_version_that_is_spoken_works",
        ),
    ),
    Row(
        "new OAuth scope cannot be added silently",
        (
            f"{RUNS}test_doctor_says_that_a_scope_is_missing_before_the_first_sync",
            (
                "tests.integration.test_doctor_google::"
                "test_each_thing_that_is_wrong_is_one_line_with_a_way_on"
            ),
        ),
        (f"{RUNS}test_doctor_says_that_a_scope_is_missing_before_the_first_sync",),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_complaint_has_its_tests(row: Row) -> None:
    """A test that was renamed or dropped leaves its row without an answer."""
    for answers in (row.google, row.google_ads):
        if isinstance(answers, str):
            assert answers.count(" ") > 4, "why it cannot befall this API"
            continue
        assert answers
        for answer in answers:
            module, _, name = answer.partition("::")
            found = getattr(import_module(module), name, None)
            assert callable(found), f"there is no {answer}"
            assert name.startswith("test_")
