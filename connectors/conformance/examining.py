"""What a connector owes that says whether its account is fit, or when its credential ends."""

# ruff: noqa: S101  -- these are tests, importable ones

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from connectors.conformance.rig import Rig
from syncd.errors import RequestRefused
from syncd.model import Finding
from syncd.ports import Examines, Expires


class ExaminingContract:
    """Only for connectors that are a `syncd.ports.Examines`."""

    def test_a_fit_account_and_its_audience_are_good(self, rig: Rig) -> None:
        """At most two requests for the account, and nothing about audiences unasked."""
        examines(rig)
        audience = rig.connect().create("whales").id
        before = rig.requests()
        found = examines(rig).examine(())
        assert rig.requests() <= before + 2
        assert found
        assert {(one.subject, one.verdict) for one in found} == {("", "good")}
        both = examines(rig).examine((audience,))
        assert both == (*found, both[-1])
        assert (both[-1].subject, both[-1].good) == (audience, True)

    def test_denied_credentials_are_a_finding_that_says_what_to_do(self, rig: Rig) -> None:
        """Not an error; and audiences are not asked for."""
        found = examines(rig, denied=True).examine((rig.unknown_id,))
        assert {(one.subject, one.verdict) for one in found} == {("", "denied")}
        _each_says_something(rig, found)

    def test_an_audience_that_is_gone_is_a_finding_too(self, rig: Rig) -> None:
        """Beside what is good."""
        audience = rig.connect().create("whales").id
        *_, gone, there = examines(rig).examine((rig.unknown_id, audience))
        assert (gone.subject, gone.verdict) == (rig.unknown_id, "unusable")
        assert (there.subject, there.good) == (audience, True)
        _each_says_something(rig, (gone, there))


class ExpiringContract:
    """Only for connectors that are a `syncd.ports.Expires`."""

    def test_the_end_of_its_credential_is_a_moment_or_none(self, rig: Rig) -> None:
        """In one request at most."""
        before = rig.requests()
        ends = _expires(rig).expiry()
        assert ends is None or ends.utcoffset() == timedelta()
        assert rig.requests() <= before + 1

    def test_a_credential_that_is_not_told_its_end_is_not_denied_for_that(self, rig: Rig) -> None:
        """Whether it may do anything else, other requests tell."""
        with suppress(RequestRefused):
            _expires(rig, denied=True).expiry()


def _expires(rig: Rig, *, denied: bool = False) -> Expires:
    connector = rig.connect(denied=denied)
    if not isinstance(connector, Expires):
        pytest.skip("this connector does not say when its credential ends")
    return connector


def examines(rig: Rig, *, denied: bool = False) -> Examines:
    """The rig's connector, if it is one of these."""
    connector = rig.connect(denied=denied)
    if not isinstance(connector, Examines):
        pytest.skip("this connector does not examine accounts")
    return connector


def _each_says_something(rig: Rig, found: tuple[Finding, ...]) -> None:
    for one in found:
        assert one.code
        assert one.said
        assert not one.link or one.link.startswith("https://")
        assert not [secret for secret in rig.secrets if secret in repr(one)]
