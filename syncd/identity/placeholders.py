"""What people and shops write where nothing is known, as data; lower-case."""

from __future__ import annotations

# In any field. No name is among them ("Na", "Nan" and "Test" are people's names), but
# "Null" is: far more cells than people are called so.
WORDS = frozenset(
    {"none", "n/a", "#n/a", "null", "undefined", "unknown", "(null)", "(none)", "[null]"}
    | {"0000", "00000", "000000"}
)

# In a cell for an address or a number, where a word can only be an excuse.
EXCUSES = WORDS | {
    *("na", "nil", "nan", "no", "noemail", "nomail", "test", "email", "mail"),
    *("x", "xx", "xxx", "-", "--", "---", ".", "?"),
}

# Before the @, where the domain's first label repeats it: test@test.com, none@none.nl.
SAID_TWICE = frozenset(
    {"test", "none", "null", "na", "no", "noemail", "nomail", "noreply", "unknown", "undefined"}
    | {"email", "mail", "example", "fake", "asdf", "abc", "a", "xxx"}
)

ADDRESSES = frozenset({"no@email.com", "none@email.com", "noemail@email.com", "no@mail.com"})

# Digits typed in a row to get past a form that demands a number.
COUNTED_UP = frozenset({"1234567", "12345678", "123456789", "1234567890", "0123456789"})

# What shops write for a person's gender. Numbers are left out: 1 is a man in one shop
# system and a woman in another.
MALE = frozenset({"m", "male", "man", "boy", "mr", "mister", "sir", "he", "him"}) | {
    # Meta's own normaliser reads these too: facebook/capi-param-builder, genderUtil.
    *("gentleman", "guy", "son", "father", "dad", "daddy", "papa", "uncle", "nephew", "brother"),
    *("husband", "boyfriend", "groom", "widower", "king", "prince", "duke", "count", "emperor"),
    *("god", "lord", "lad", "fellow", "chap", "bloke", "dude", "his", "himself"),
    *("mann", "herr", "männlich", "homme", "monsieur", "hombre", "señor", "uomo", "heer"),
}
FEMALE = frozenset({"f", "female", "woman", "girl", "mrs", "ms", "miss", "lady", "she", "her"}) | {
    *("madam", "ma'am", "daughter", "mother", "mom", "mama", "mommy", "aunt", "niece", "sister"),
    *("wife", "girlfriend", "bride", "widow", "queen", "princess", "duchess", "countess"),
    *("empress", "goddess", "maiden", "lass", "gal", "chick", "dame", "belle", "hers", "herself"),
    *("frau", "weiblich", "femme", "madame", "mujer", "señora", "donna", "signora"),
    *("vrouw", "mevrouw"),
}
