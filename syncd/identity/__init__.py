"""From what a shop stores to what a platform matches; the only room that reads raw values.

`rules` says in data what each platform wants, `steps` has one canonical
implementation of each word used there, `digest` runs them over columns.
"""

from __future__ import annotations
