"""`syncd sandbox`: local platforms as a process that a person starts and stops."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest
import yaml

from tests.integration.commands import Desk, begin


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_starts_answers_and_stops_when_told(desk: Desk, told: signal.Signals) -> None:
    ports = ("--meta-port", "0", "--google-port", "0", "--control-port", "0", "--delay", "0")
    with begin("sandbox", *ports, "--meta-tier", "limited") as running:
        assert running.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("control:"):
            lines.append(running.stdout.readline())
            assert lines[-1], "it ended before it said where it listens"
        accounts = yaml.safe_load("".join(line for line in lines if line.startswith("  ")))
        control = lines[-1].split()[1]
        desk.settings["accounts"] = accounts
        desk.sync["account"] = "meta-local"
        desk.also("to-google", account="google-local")
        desk.join(*range(4), consent="granted")
        assert desk.syncd("sync", "everyone", "to-google", "--wait").code == 0
        with urllib.request.urlopen(f"{control}/state") as answer:
            state = json.loads(answer.read())
        held = {platform: len(found[0]["identifiers"]) for platform, found in state.items()}
        assert held == {"meta": 8, "google": 8}
        running.send_signal(told)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "Traceback" not in err
