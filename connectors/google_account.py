"""What an account with Google is configured with, whichever of Google's APIs it is for.

No vendor package is imported here.
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import cast

from syncd.errors import ConfigError
from syncd.model import Account

ANONYMOUS = "anonymous"
ENDPOINT_ON_LOOPBACK = f"credentials `{ANONYMOUS}` need an endpoint on loopback"

# Refused rows are named in a trailer; 1,000 of them take 200 KB, and gRPC's own limit of
# 16 KiB would turn that refusal into RESOURCE_EXHAUSTED, which looks like a used-up quota.
_TRAILER_BYTES = 1 << 20

CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", _TRAILER_BYTES),
    # Nobody below the core retries: one attempt is one request. A service config, which
    # DNS may serve, could ask gRPC to. What remains is to choose another connection for a
    # call that never left this machine, and without that a call right after a reset fails.
    ("grpc.service_config_disable_resolution", 1),
    # Each account has its own connection, and its own trouble with it.
    ("grpc.use_local_subchannel_pool", 1),
)
PLAINTEXT_OPTIONS = (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))


def given(account: Account, option: str) -> str:
    """An option's value without blanks around it; "" if there is none."""
    return account.options.get(option, "").strip()


def customer_id(account: Account, option: str) -> str:
    """Ten digits, as the APIs want them; people copy them with dashes.

    Raises:
        syncd.errors.ConfigError: It is no such number.
    """
    value = given(account, option).replace("-", "")
    if len(value) == 10 and value.isascii() and value.isdigit():  # noqa: PLR2004  # ids have 10
        return value
    raise ConfigError(
        f"account {account.name}: {option} must be 10 digits, with or without dashes; "
        f"it has {len(value)} characters"
    )


def on_loopback(account: Account) -> bool:
    """Whether the account's endpoint is this machine.

    Raises:
        syncd.errors.ConfigError: It is no HOST:PORT.
    """
    host, colon, port = (account.endpoint or "").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit()) or "/" in host:
        raise ConfigError(f"account {account.name}: endpoint must be HOST:PORT, no scheme, no path")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def service_account_info(account: str, credentials: str) -> dict[str, object]:
    """A service account's key from its JSON or its file; messages never quote either.

    Raises:
        syncd.errors.ConfigError: It is none.
    """
    text = credentials
    if not text.startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise unusable(account, "neither JSON nor a file that can be read") from None
    try:
        info = json.loads(text)
    except ValueError:
        raise unusable(account, "not valid JSON") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise unusable(account, "of another type than `service_account`")
    return cast("dict[str, object]", info)


def unusable(account: str, what: str) -> ConfigError:
    """The error of credentials that are not what they should be."""
    return ConfigError(
        f"account {account}: the credentials are {what}; give a service account's JSON key"
    )
