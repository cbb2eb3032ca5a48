"""A sync as an Airflow task; copy this file into your `dags` folder.

The first half is plain Python: it runs `syncd sync NAME --wait` on the worker, which needs
syncd on its PATH, `SYNCD_CONFIG` in its environment, and the secrets that this names.
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


# From here on Airflow: when it runs, how often it tries again, whom it tells.
from airflow.exceptions import AirflowException, AirflowFailException  # noqa: E402
from airflow.sdk import dag, task  # noqa: E402


@task(retries=6, retry_delay=900, retry_exponential_backoff=True)
def whales_meta() -> None:
    """Ask Airflow to try again, or not: what waits for a person is not mended by a retry."""
    code = sync("whales-meta")
    if code in PERSON:
        raise AirflowFailException(PERSON[code])
    if code not in DONE:  # 1: no answer; 75: busy. The same again goes on where this one stopped
        raise AirflowException(f"syncd ended with {code}")


@dag(schedule="0 */6 * * *", catchup=False, max_active_runs=1)
def audiences() -> None:
    """Every six hours; `after:` and `schedule:` of syncd's own configuration are not used."""
    whales_meta()


audiences()
