"""What a user list is made with, beside its name.

Source: Data Manager API reference, `UserList`, v1.8 (2026-07-30); "Update to Customer Match
membership expiration starting April 7, 2025".
"""

from __future__ import annotations

from syncd.model import AudienceOption

# Days for which a list keeps a member at most, and does unless it was made otherwise.
MAX_DAYS = 540

OPTIONS = (
    AudienceOption("description", "what people read of it in Google Ads"),
    AudienceOption(
        "membership_days",
        f"days after which Google ends a membership that is not renewed; {MAX_DAYS} if not given",
        kind="number",
        least=1,
        most=MAX_DAYS,
    ),
)
