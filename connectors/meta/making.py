"""What a customer list is made with, and the words for which Meta flags one.

Sources, read 2026-11-22: Marketing API "Customer File Custom Audiences", references of Custom
Audience and Ad Account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from syncd.model import AudienceOption, AudienceOptions, Fact, Wording

# Customer lists an ad account may have.
MAX_AUDIENCES = 500

_SOURCES = ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED")
_LABELS = (
    *("APP_USERS", "AT_RISK", "CART_ABANDONERS", "DISENGAGED", "DISQUALIFIED_LEADS"),
    *("ENGAGED_USERS", "GENERAL_CUSTOMERS", "HIGH_VALUE_CUSTOMERS", "LOW_VALUE_CUSTOMERS"),
    *("OTHER_1", "OTHER_2", "OTHER_3", "QUALIFIED_LEADS", "RECENT_PURCHASERS", "TRIAL_USERS"),
)

OPTIONS = (
    AudienceOption("description", "what people read of it at Meta"),
    AudienceOption(
        "retention_days",
        "days after which Meta ends a membership that is not renewed; for ever if not given",
        kind="number",
        least=1,
        most=180,
    ),
    AudienceOption(
        "customer_file_source",
        f"where the members' data comes from; {_SOURCES[0]} if not given",
        words=_SOURCES,
    ),
    AudienceOption(
        "value_based",
        "whether rows carry what a member is worth, for value-based look-alikes; the segment "
        "then has a column `value`",
        kind="flag",
        fact=Fact.VALUE,
    ),
    AudienceOption("opt_out_link", "a page where people leave the list; https://..."),
    AudienceOption("labels", "what kind of customers they are", kind="words", words=_LABELS),
)
# Ours, by Meta's name of it.
_FIELDS = {
    "description": "description",
    "retention_days": "retention_days",
    "customer_file_source": "customer_file_source",
    "value_based": "is_value_based",
    "opt_out_link": "opt_out_link",
    "labels": "audience_labels",
}

# Since 2025-09-02 an audience is flagged (operation_status 471) whose name or description
# suggests a state of health or of finances. Meta publishes no list. This one is ours: words
# that hardly mean anything else, in English, German, French, Spanish, Dutch and Italian. A
# word that ends in * stands for all that begin so.
_HEALTH = """
    addict* adhd adhs alcoholi* alkoholi* allerg* anxiety arthrit* asma asthma* autis* bipolar*
    blood?pressure cancer* cancro chemo* chronic* chronisch* depres* diabet* disabilit* disabled
    disease* embaraz* enceinte* enferm* epilep* erectile fertil* gravidan* grossesse* handicap*
    hiv hypertens* illness* impoten* incontinen* infertil* insulin* krank* krebs malad* malatt*
    medicaid medicament* medication* medikament* menopau* migrane* migraine* obes* overweight
    patient* pharma* pregnan* prescription* psoria* psychiatr* psychother* schwanger* sobrepeso
    symptom* terap* therap* tumeur* tumor* ubergewicht* vih weight?loss ziek* zwanger*
"""
_FINANCES = """
    arbeitslos* bankrot* bankrupt* bonitat* chomage chomeur* credit?score* debt* desemple* dettes
    deudas disoccupa* einkommen* failliet* foreclosure* hypothe* income* ingresos insolven*
    kredit?score* low?income mortgage* mutui mutuo overdraft* overschuld* payday* pleite*
    prestamo* schulden* schuldner* surendett* uberschuld* unemploy* verschuld* werkloos*
    werkloze* zahlungsunfahig*
"""
WORDING = Wording(
    "health or finances",
    frozenset(one.replace("?", " ") for one in f"{_HEALTH} {_FINANCES}".split()),
)


def fields(name: str, options: AudienceOptions) -> Mapping[str, str]:
    """What Meta is asked to make; whatever is no text goes as JSON."""
    given = {_FIELDS[key]: value for key, value in options.items()}
    made = {"name": name, "subtype": "CUSTOM", "customer_file_source": _SOURCES[0], **given}
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in made.items()}


def lifespan(days: int | None) -> timedelta | None:
    """For how long a list keeps a member, from its retention; None for ever."""
    return timedelta(days=days) if days else None


def facts(value_based: object) -> frozenset[Fact] | None:
    """For which facts a list was made, from what Meta says of it; None if it says nothing."""
    if not isinstance(value_based, bool):
        return None
    return frozenset({Fact.VALUE}) if value_based else frozenset()
