"""Configuration: config/*.yaml into frozen, validated settings.

Unknown keys are refused with the nearest valid one, and all problems come at once, each
with its line. Secrets stand outside the file and are read only at use.
"""

from __future__ import annotations

from syncd.settings.accounts import (
    api_token,
    check_accounts,
    ledger_key,
    ledger_password,
    resolve_account,
    shop_password,
    target_secret,
    warnings,
)
from syncd.settings.alerting import AlertSettings, TargetSettings
from syncd.settings.cron import CronFields, read_cron
from syncd.settings.fingerprint import configuration_digest, defined
from syncd.settings.models import (
    AccountSettings,
    AudienceSettings,
    GuardSettings,
    LedgerSettings,
    ShopSettings,
    SyncSettings,
    json_schema,
)
from syncd.settings.reading import DEFAULT_PATH, Settings, find, load, load_alerts
from syncd.settings.segments import SegmentSettings
from syncd.settings.serving import ApiSettings
from syncd.settings.values import After, Cron, Every, Manual, Schedule, Secret
from syncd.settings.wordings import flagged, name_warnings

__all__ = [
    "DEFAULT_PATH",
    "AccountSettings",
    "After",
    "AlertSettings",
    "ApiSettings",
    "AudienceSettings",
    "Cron",
    "CronFields",
    "Every",
    "GuardSettings",
    "LedgerSettings",
    "Manual",
    "Schedule",
    "Secret",
    "SegmentSettings",
    "Settings",
    "ShopSettings",
    "SyncSettings",
    "TargetSettings",
    "api_token",
    "check_accounts",
    "configuration_digest",
    "defined",
    "find",
    "flagged",
    "json_schema",
    "ledger_key",
    "ledger_password",
    "load",
    "load_alerts",
    "name_warnings",
    "read_cron",
    "resolve_account",
    "shop_password",
    "target_secret",
    "warnings",
]
