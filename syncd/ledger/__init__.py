"""The ledger: runs, plans, batches, receipts and the audit chain, in one database.

It is the one commit point: a file counts only once a row names it, and a batch is
written here before it is sent. Nothing in it identifies a customer.

    opening     `open_ledger`: at head and of this key, or refused
    store       `Ledger`: every method is one transaction
    states      where a batch may go next; pure
    keys        the ledger key and its sub-keys
    lock        one process at a time
    directory   the ledger and its directory carry each other's generation
    migrate     brings the schema to head; the only module that imports Alembic
"""

from __future__ import annotations
