"""Who the daemon's API lets in: nobody without the token, and no page of a browser."""

from __future__ import annotations

import json
import logging
import socket
import stat
import sys
from pathlib import Path

import pytest

from syncd.api.doors import HEADERS, LARGEST
from syncd.api.sockets import reachable, unix
from syncd.errors import ConfigError
from syncd.logs import set_up
from tests.integration.callers import SHOWN, TOKEN, Caller, listening
from tests.integration.commands import Desk, here
from tests.integration.daemons import keeping

RUN = {"sync": "everyone"}


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({}, 401, "show the token"),
        ({"Authorization": "Bearer wrong"}, 401, "show the token"),
        ({"Authorization": f"Basic {TOKEN}"}, 401, "show the token"),
        ({**SHOWN, "Host": "ads.example.com"}, 421, "another host"),
        ({**SHOWN, "Host": ""}, 400, ""),  # uvicorn's own: HTTP wants one
        ({**SHOWN, "Host": "localhost.example.com"}, 421, "another host"),
        ({**SHOWN, "Origin": "https://shop.example.com"}, 403, "pages of a browser"),
        ({**SHOWN, "Origin": "null"}, 403, "pages of a browser"),
        ({**SHOWN, "Sec-Fetch-Site": "cross-site"}, 403, "pages of a browser"),
        ({**SHOWN, "Content-Type": "application/x-www-form-urlencoded"}, 415, "send JSON"),
        ({**SHOWN, "Content-Type": "text/plain"}, 415, "send JSON"),
        ({**SHOWN, "Content-Type": "multipart/form-data; boundary=x"}, 415, "send JSON"),
        ({**SHOWN, "Content-Length": f"{LARGEST + 1}"}, 413, "16,384 bytes"),
    ],
)
def test_who_may_not_ask_is_refused_and_nothing_runs(
    ask: Caller, headers: dict[str, str], status: int, said: str
) -> None:
    answer = ask("POST", "/v1/runs", RUN, headers=headers)
    assert answer.status == status
    assert not said or said in answer.json["detail"]
    if said:
        assert answer.headers["content-type"] == "application/problem+json"
    assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}
    assert ask("GET", "/v1/runs", headers=SHOWN).json == {"runs": []}


def test_a_body_that_grows_too_long_is_refused_though_it_said_no_length(ask: Caller) -> None:
    chunk = b"%x\r\n%s\r\n" % (LARGEST, b" " * LARGEST)
    headers = {**SHOWN, "Transfer-Encoding": "chunked", "Content-Length": ""}
    answer = ask("POST", "/v1/runs", chunk * 2 + b"0\r\n\r\n", headers=headers)
    assert answer.status == 413


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/v1/runs", {"sync": "everione"}, 404, "no sync is called 'everione'"),
        ("POST", "/v1/runs", {"sync": "everyone", "ful": True}, 422, "not permitted"),
        ("POST", "/v1/runs", {"sync": "everyone", "full": 1}, 422, "full: "),
        ("POST", "/v1/runs", {"sync": "everyone", "full": True, "plan": "p1"}, 422, "choose"),
        ("POST", "/v1/runs", {"sync": "\x00"}, 422, "sync: "),
        ("POST", "/v1/runs", {}, 422, "sync: "),
        ("POST", "/v1/runs", b"{", 400, "no JSON"),
        ("POST", "/v1/runs", b"\xff", 400, "no JSON"),
        ("GET", "/v1/runs?limit=0", None, 422, "limit: "),
        ("GET", "/v1/runs?limti=1", None, 422, "not permitted"),
        ("GET", "/v1/runs/r99", None, 404, "there is no run"),
        ("GET", "/v1/runs/%00", None, 404, "there is no run"),
        ("GET", "/v1/nothing", None, 404, "no such thing"),
        ("GET", "/v1/runs/", None, 404, "no such thing"),
        ("DELETE", "/v1/runs/r1", None, 405, "no such thing"),
        ("OPTIONS", "/v1/runs", None, 405, "no such thing"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    ask: Caller, method: str, path: str, body: object, status: int, said: str
) -> None:
    answer = ask(method, path, body, headers=SHOWN)
    assert answer.status == status
    assert answer.json["status"] == status
    assert said in answer.json["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_probe_needs_no_token_and_every_answer_is_closed_to_browsers(ask: Caller) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 401)):
        answer = ask("GET", path)
        assert answer.status == status
        given = {(name.lower().encode(), value.encode()) for name, value in answer.headers.items()}
        assert given >= set(HEADERS)


def test_the_log_says_that_somebody_asked_and_not_what(
    ask: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a caller types into an address may be a customer's."""
    set_up(sys.stderr, {}, level=logging.DEBUG)
    ask("GET", "/v1/runs/someone?sync=whoever", headers=SHOWN)
    ask("GET", "/someone", headers=SHOWN)
    logged = capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines() if "api_answered" in line]
    assert [(line["operation"], line["status"], line["actor"]) for line in lines] == [
        ("run", 404, "api"),
        ("", 404, "api"),
    ]
    assert "someone" not in logged
    assert "whoever" not in logged


def test_a_port_without_a_token_and_one_for_others_are_no_configuration(desk: Desk) -> None:
    for api, said in (
        ({"listen": "127.0.0.1:8904"}, "`token` is missing"),
        ({"listen": "0.0.0.0:8904", "token": {"file": "t"}}, "not only this machine"),
        ({"listen": "example.com:80", "token": {"file": "t"}}, "not only this machine"),
        ({"listen": "nowhere"}, "path of a socket"),
        ({"listen": "127.0.0.1:0", "token": {"file": "t"}}, "path of a socket"),
        ({"listen": "run.sock", "token": "inline"}, "may not be written here"),
    ):
        desk.settings["api"] = api
        desk.save()
        answer = here("config", "check", config=desk.config)
        assert answer.code == 78, api
        assert said in answer.err


def test_the_command_shows_the_token(desk: Desk) -> None:
    desk.join(*range(3))
    listening(desk)
    with keeping(desk.config):
        answer = desk.syncd("sync", "everyone")
        assert answer.code == 0, answer.said
        (desk.config.parent / "api_token").write_text("another", "utf-8")
        assert desk.syncd("sync", "everyone").code == 78
    (run,) = desk.syncd("runs", "--json").json
    assert run["actor"] == "api"


def test_what_a_killed_daemon_left_is_taken_away_and_nothing_else(desk: Desk) -> None:
    """A long path, too: the kernel takes 107 bytes of it."""
    folder = desk.folder / ("deep" * 30)
    folder.mkdir()
    path = folder / "run.sock"
    desk.settings["api"] = {"listen": str(path)}
    desk.save()
    path.write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="is no socket"), unix(path):
        pass
    assert path.read_text("utf-8") == "mine"
    path.unlink()
    left(path)
    with keeping(desk.config):
        assert Caller(path)("GET", "/healthz").status == 200
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(ConfigError, match="another process listens"), unix(path):
            pass
    assert not path.exists()


def left(path: Path) -> None:
    """A socket at which nobody listens any more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as found:
        here_it_is = path.parent / "s"
        with reachable(here_it_is) as address:
            found.bind(address)
        here_it_is.rename(path)
