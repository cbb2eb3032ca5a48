"""A sync as a Prefect task; `python prefect_flow.py` runs it once, `.serve` by the clock.

The first half is plain Python: it runs `syncd sync NAME --wait` where Prefect runs the task,
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


# From here on Prefect: when it runs, how often it tries again, whom it tells.
from prefect import flow, task  # noqa: E402
from prefect.states import Failed  # noqa: E402


@task(retries=6, retry_delay_seconds=900, log_prints=True)
def run(name: str) -> int:
    """Raise what is worth a retry; what waits for a person is handed on as it is."""
    code = sync(name)
    if code not in DONE and code not in PERSON:
        # 1: no answer; 75: busy. The same again goes on where this one stopped.
        raise RuntimeError(f"syncd ended with {code}")
    return code


@flow
def audiences(name: str = "whales-meta") -> object:
    """Fail where a person is needed, without a retry."""
    code = run(name)
    return Failed(message=PERSON[code]) if code in PERSON else code


if __name__ == "__main__":
    audiences()  # or: audiences.serve(cron="0 */6 * * *")
