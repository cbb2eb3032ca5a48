"""The daemon's local HTTP API: other programs of this machine ask it for runs, and watch it.

It asks nothing of the core that a command does not, and a run that it was asked for goes the
way of a scheduled one. `operations` says what there is; `doors` says who may come in.
"""
