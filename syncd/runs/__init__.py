"""One run of a sync: what it works with, and its stations from the read to the receipts."""
