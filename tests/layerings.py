"""When generations are written over earlier ones, however few members there are."""

from __future__ import annotations

from datetime import timedelta

from syncd.membership.layers import Layering

WHOLE = Layering(least=1 << 62)  # each in one file
LAYERED = Layering(least=0, share=1000.0, lasts=timedelta(days=1000))  # in two, once there is one
IN_TURN = Layering(least=0, share=1.0)  # now so and now so
