"""Country codes, and where a platform may not be told of a person unasked."""

from __future__ import annotations


def _codes(written: str) -> dict[str, str]:
    """Names and their codes, from `name=code name=code`."""
    return dict(entry.split("=") for entry in written.split())


# ISO 3166-1 alpha-2, officially assigned, all 249; ISO Online Browsing Platform,
# compared with pycountry 26.2.16 on 2026-11-22. `phonenumbers` does not know seven of
# them (Antarctica and the like) and knows three that ISO has not assigned (AC, TA, XK).
_ASSIGNED = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ "
    "BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
    "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU "
    "GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP "
    "KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY "
    "MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ "
    "NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA "
    "RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ "
    "TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU "
    "WF WS YE YT ZA ZM ZW"
)
ISO_3166 = frozenset(_ASSIGNED.split())

# Shops write it, ISO only reserves it (exceptionally, for the United Kingdom).
REPAIRED = {"UK": "GB"}

# ANSI two-letter codes (INCITS 38:2009) of the states, the District of Columbia and the
# territories, by name without blanks; provinces of Canada by Canada Post's codes.
US_STATES = _codes(
    "alabama=al alaska=ak arizona=az arkansas=ar california=ca colorado=co connecticut=ct "
    "delaware=de districtofcolumbia=dc florida=fl georgia=ga hawaii=hi idaho=id illinois=il "
    "indiana=in iowa=ia kansas=ks kentucky=ky louisiana=la maine=me maryland=md massachusetts=ma "
    "michigan=mi minnesota=mn mississippi=ms missouri=mo montana=mt nebraska=ne nevada=nv "
    "newhampshire=nh newjersey=nj newmexico=nm newyork=ny northcarolina=nc northdakota=nd "
    "ohio=oh oklahoma=ok oregon=or pennsylvania=pa rhodeisland=ri southcarolina=sc "
    "southdakota=sd tennessee=tn texas=tx utah=ut vermont=vt virginia=va washington=wa "
    "washingtondc=dc westvirginia=wv wisconsin=wi wyoming=wy americansamoa=as guam=gu "
    "northernmarianaislands=mp puertorico=pr usvirginislands=vi virginislands=vi"
)
CANADIAN_PROVINCES = _codes(
    "alberta=ab britishcolumbia=bc manitoba=mb newbrunswick=nb newfoundlandandlabrador=nl "
    "novascotia=ns northwestterritories=nt nunavut=nu ontario=on princeedwardisland=pe quebec=qc "
    "saskatchewan=sk yukon=yt"
)

# The 27 of the Union (europa.eu, "EU countries") and its parts with a code of their own:
# outermost regions (TFEU 349 and 355(1): GF GP MF MQ RE YT) and Aland (355(4): AX).
_EUROPEAN_UNION = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "
    "GF GP MF MQ RE YT AX"
)

# Where Google's EU user consent policy asks for each user's consent: "the EEA, the UK
# and Switzerland". EEA = the Union with Iceland, Liechtenstein and Norway (EEA Agreement).
CONSENT_DEMANDED = frozenset(_EUROPEAN_UNION.split()) | {"IS", "LI", "NO", "GB", "CH"}
