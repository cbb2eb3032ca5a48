"""Strangers at the daemon's API: `python -m tests.bench.schemathesis PROGRAM [EXAMPLES]`.

PROGRAM is schemathesis, from a virtual environment of its own:
`python3 -m venv st && st/bin/pip install schemathesis==4.32.5`. It makes requests from
`config/openapi.json`, good ones and bad, and holds each answer against the document: its
status, its shape, its content type; and that none is a server's error. The daemon is the
real one, in a thread, on a port with a token; some of the requests begin runs. Prints what
schemathesis prints, and exits as it does. tests/integration/test_api_strangers.py is the
small sample of this that CI runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.integration.callers import SHOWN, listening
from tests.integration.commands import Desk, platforms
from tests.integration.daemons import keeping

EXAMPLES = 200  # for each operation
DOCUMENT = Path(__file__).parents[2] / "config" / "openapi.json"


def main(program: str, examples: str = str(EXAMPLES)) -> int:
    """Start the daemon and let schemathesis ask it."""
    with tempfile.TemporaryDirectory() as folder, platforms() as local:
        desk = Desk(Path(folder), local)
        desk.join(*range(3))
        desk.also("0", audience="Nought")  # a name that is soon tried
        ask = listening(desk)
        with keeping(desk.config):
            words = [program, "run", str(DOCUMENT), "--url", f"http://127.0.0.1:{ask.at}"]
            words += ["--max-examples", examples, "--no-color", "--continue-on-failure"]
            words += [word for name, value in SHOWN.items() for word in ("-H", f"{name}: {value}")]
            code = subprocess.run(words, check=False, cwd=folder).returncode
            ran = len(ask("GET", "/v1/runs?limit=500", headers=SHOWN).json["runs"])
    sys.stdout.write(f"runs that were begun by it: {ran}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
