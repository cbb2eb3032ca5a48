"""Why a value is refused. A refused value is counted and never hashed."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """A reason as the audit and the operator read it."""

    PLACEHOLDER = "placeholder"
    HASHED = "already hashed"
    NOTHING_LEFT = "nothing left after normalising"
    SPACE_INSIDE = "white space inside"
    TWO_ADDRESSES = "two addresses in one cell"
    NOTHING_BEFORE_AT = "nothing before the @"
    NO_DOMAIN = "no domain"
    NOT_AN_ADDRESS = "characters that no address has"
    TWO_NUMBERS = "two numbers in one cell"
    NOT_A_NUMBER = "not a phone number"
    NO_COUNTRY = "no country code, and no country to dial from"
    WRONG_LENGTH = "wrong number of digits"
    NO_SUCH_NUMBER = "no such number"
    TOO_SHORT = "too short"
    NOT_A_US_POSTCODE = "not five digits, in the US"
    NOT_A_UK_POSTCODE = "not a postcode of the UK"
    NOT_A_STATE = "no state or province of that name"
    NOT_A_CITY = "does not begin with a letter"
    NOT_A_COUNTRY = "not a two-letter country code of ISO 3166"
    NOT_A_CONSENT = "not granted, denied or unknown"
    NOT_A_DATE = "not a date of birth"
    DAY_OR_MONTH = "day and month could be either"
    NOT_M_OR_F = "neither m nor f"
    NOT_A_DEVICE = "not an advertising id"
    NOT_AN_AMOUNT = "not a number from 0 up"
    NOT_YES_OR_NO = "neither yes nor no"
    NOT_A_DIGEST = "not 64 lower-case hexadecimal digits"
    DIGEST_OF_NOTHING = "the digest of an empty text"
