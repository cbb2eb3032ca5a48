"""What one would write instead of syncd, for a first sync to Meta; `tests.bench.pipeline` runs it.

`python -m tests.bench.plain SHOP ENDPOINT MEMBERS`: rows by `sqlite3`, `hashlib`, `json.dumps`,
`urlencode` and `http.client`, 10,000 members a request. Normalises as far as `strip`, `lower` and
`isalnum` go, knows nobody afterwards, and stops at the first error.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import sys
from contextlib import closing
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

SQL = "SELECT email, phone, first_name, last_name, postcode, country FROM customers LIMIT ?"
SCHEMA = ["EMAIL", "PHONE", "FN", "LN", "ZIP", "COUNTRY"]
ROWS = 10_000
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def hashed(text: str) -> str:
    """A digest in hex."""
    return sha256(text.encode()).hexdigest()


def row(customer: tuple[str, str, str, str, str, str]) -> list[str]:
    """A customer as Meta's row."""
    email, phone, *address = customer
    names = ("".join(filter(str.isalnum, one)) for one in address)
    texts = (email.strip(), phone.strip().lstrip("+"), *names)
    return [hashed(text.lower()) for text in texts]


def main(shop: str, endpoint: str, members: str) -> None:
    """Send so many."""
    session = {"session_id": 1, "batch_seq": 0, "last_batch_flag": False}
    line = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    with closing(sqlite3.connect(shop)) as connection:
        customers = connection.execute(SQL, (int(members),))
        while some := customers.fetchmany(ROWS):
            session["batch_seq"] += 1
            payload = {"schema": SCHEMA, "data": [row(one) for one in some], "is_raw": True}
            form = {
                "payload": json.dumps(payload, separators=(",", ":")),
                "session": json.dumps(session),
            }
            line.request("POST", "/v26.0/4711/users", urlencode(form), HEADERS)
            with line.getresponse() as answer:
                if answer.status != http.client.OK or "num_received" not in json.load(answer):
                    raise SystemExit(f"answered {answer.status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
