"""The connector: what the core asks, as calls of the Google Ads API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.google_ads import api, errors, jobs, wire
from connectors.google_ads.upload import AdsUpload
from syncd.errors import AudienceGone, AudienceUnusable, Denied, PlatformError, RequestRefused
from syncd.model import (
    NO_OPTIONS,
    Advice,
    Audience,
    AudienceOptions,
    Finding,
    Operation,
    Outcome,
)
from syncd.model.findings import Verdict

_MODULE = "services.types.user_list_service"
_TERMS = "customer.conversion_tracking_setting.accepted_customer_data_terms"


@dataclass(frozen=True, slots=True)
class GoogleAds:
    """One Google Ads account; see `syncd.ports.Connector`."""

    api: api.Api = field(repr=False)
    account: str
    randbits: Callable[[int], int] = field(repr=False)

    def find(self, name: str) -> tuple[Audience, ...]:
        """All user lists of exactly this name, whatever their type: names are unique."""
        rows = self.api.ask(
            f"SELECT {wire.LIST_FIELDS} FROM user_list WHERE user_list.name = {wire.quoted(name)}"
        )
        # Whether the query minds case and spaces is not documented; here they count.
        return tuple(
            wire.audience(row.user_list, self.account) for row in rows if row.user_list.name == name
        )

    def read(self, audience_id: str) -> Audience:
        """The user list with this id.

        Raises:
            syncd.errors.AudienceUnusable: Gone, closed, of another type, or ours to read only.
        """
        if not (audience_id.isascii() and audience_id.isdigit()):
            raise AudienceUnusable(
                errors.PLATFORM, "INVALID_USER_LIST_ID", hint="an id is a number; correct it"
            )
        rows = self.api.ask(
            f"SELECT {wire.LIST_FIELDS} FROM user_list WHERE user_list.id = {audience_id}"
        )
        if not rows:
            hint = "the audience is gone, or not of this account"
            raise AudienceGone(errors.PLATFORM, "NOT_FOUND", hint=hint)
        wire.changeable(rows[0].user_list)
        return wire.audience(rows[0].user_list, self.account)

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        """Make an empty user list; what it is matched by is settled with that."""
        request = self.api.new(_MODULE, "MutateUserListsRequest")
        request.customer_id = self.api.customer
        made = request.operations.add().create
        made.name = name
        made.description = str(options.get("description", ""))
        if "membership_days" in options:
            made.membership_life_span = int(str(options["membership_days"]))
        key = _KEYS[str(options.get("upload_key", "contact_info"))]
        made.crm_based_user_list.upload_key_type = self.api.number(
            "customer_match_upload_key_type", f"CustomerMatchUploadKeyType.{key}"
        )
        if "app_id" in options:
            made.crm_based_user_list.app_id = str(options["app_id"])
        answer = self.api.call(self.api.lists.mutate_user_lists, _MODULE, request)
        number = (
            next(iter(answer.results)).resource_name.rpartition("/")[2] if answer.results else ""
        )
        if not number.isdigit():
            raise errors.malformed("a user list without its name")
        return Audience(errors.PLATFORM, self.account, number, name, empty=True)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> AdsUpload:  # noqa: ARG002  # Google needs no total
        """Begin an upload; its job is made with the first batch."""
        return AdsUpload(self._jobs(audience_id), operation, randbits=self.randbits)

    def _jobs(self, audience_id: str) -> jobs.Jobs:
        return jobs.Jobs(self.api, f"customers/{self.api.customer}/userLists/{audience_id}")

    def outcome(self, reference: str) -> Outcome:
        """What became of the jobs of a receipt; one that nobody ran is run.

        Errors of rows are known when they are added; of a job that is done Google counts none.
        """
        return jobs.outcome(self.api, reference)

    def advice(self) -> Advice:
        """Whether the API's version is the next that Google retires; sends nothing."""
        spoken = api.versions()
        if self.api.version != spoken[-1] or len(spoken) == 1:
            return Advice()
        return Advice(
            warning=f"Google Ads API {self.api.version} is the oldest version that is spoken and "
            f"the next that Google retires: set `api_version` of the account to a newer one, up "
            f"to {spoken[0]}, or leave it out"
        )

    def examine(self, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Whether the account answers and its terms are accepted, and how these lists are.

        One request for the account, and two a list: the second asks for a job, which Google
        checks and does not make. Whether the account may upload at all, only that tells.
        """
        try:
            rows = self.api.ask(f"SELECT customer.id, {_TERMS} FROM customer LIMIT 1")
        except (AudienceUnusable, Denied, RequestRefused) as error:
            return (_found("", error),)
        setting = [row.customer.conversion_tracking_setting for row in rows]
        if all(one.accepted_customer_data_terms for one in setting):
            said = "the credentials may use the account, and its customer data terms are accepted"
            account = Finding("", "good", "account", said)
        else:
            said = "the customer data terms are not accepted: Google will refuse every upload"
            account = Finding("", "warning", "CUSTOMER_DATA_TERMS", said, _SETTINGS)
        found = [account]
        if old := self.advice().warning:
            found.append(Finding("", "warning", "API_VERSION", old))
        for each in audience_ids:
            one = self._examined(each)
            if one.verdict == "denied":
                return (replace(one, subject=""),)  # what it may not do is the account's
            found.append(one)
        return tuple(found)

    def expiry(self) -> datetime | None:
        """None: a service account's key works until somebody deletes it, and states no end."""
        return None

    def _examined(self, audience_id: str) -> Finding:
        try:
            self.read(audience_id)
            self._jobs(audience_id).check()
        except (AudienceUnusable, Denied, RequestRefused) as error:
            return _found(audience_id, error)
        return Finding(audience_id, "good", "user_list", "it can be changed")


_KEYS = {"contact_info": "CONTACT_INFO", "crm_id": "CRM_ID", "mobile_id": "MOBILE_ADVERTISING_ID"}
_SETTINGS = "https://ads.google.com/aw/conversions/customersettings"


def _found(subject: str, error: PlatformError) -> Finding:
    """What an answer that is an error says of what was asked about."""
    verdict: Verdict = "denied" if isinstance(error, Denied) else "warning"
    if subject and isinstance(error, AudienceUnusable):
        verdict = "unusable"
    return Finding(subject, verdict, error.code, error.hint, reference=error.reference)
