"""The growth team's page: what the daemon publishes, shown by a process that holds nothing else.

`publishing` writes a read model of audit sentences and counts into a folder; `pages` answers
from it. Between the two there is nothing but those files: the page needs no ledger, no lock,
no credential and no network.
"""
