"""An audience as a Dagster asset; load it with `dagster dev -f dagster_assets.py`.

The first half is plain Python: it runs `syncd sync NAME --wait` where Dagster runs the step,
which needs syncd on its PATH, `SYNCD_CONFIG` in its environment, and the secrets it names.
"""

from __future__ import annotations

import subprocess

DONE = {0, 3}  # 3: though the platform refused rows; `syncd status` names them
PERSON = {2: "usage", 4: "held for a person", 77: "the platform denied us", 78: "configuration"}


def sync(name: str) -> int:
    """Run a sync to its end; an exit code that is neither of these may be tried again."""
    words = ["syncd", "sync", name, "--wait"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    print(ended.stdout, ended.stderr)
    return ended.returncode


# From here on Dagster: what it depends on, when it runs, how often it tries again.
import dagster as dg  # noqa: E402


@dg.asset(group_name="audiences")  # deps=["customers"]: the tables that the segment reads
def whales_meta() -> None:
    """Ask Dagster to try again, or not: what waits for a person is not mended by a retry."""
    code = sync("whales-meta")
    if code in PERSON:
        raise dg.Failure(PERSON[code], allow_retries=False)
    if code not in DONE:  # 1: no answer; 75: busy. The same again goes on where this one stopped
        raise dg.RetryRequested(max_retries=6, seconds_to_wait=900)


six_hours = dg.ScheduleDefinition(name="audiences", target=whales_meta, cron_schedule="0 */6 * * *")
defs = dg.Definitions(assets=[whales_meta], schedules=[six_hours])
