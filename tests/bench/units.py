"""The units under a real systemd: `python -m tests.bench.units`, as root, on Linux.

Starts systemd as process 1 of namespaces of its own, installs the units there as
systemd/README.md says, and runs in them, with all their sandboxing: the demo, the round of
the timer, exit codes that shall and shall not lead to a restart, credentials that are there
and not, and the daemon with signals. Prints a line for each; exits 1 if one is not as it
should be. Takes some two minutes. Nothing of this machine is changed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.commands import wait_until

ROOT = Path(__file__).parents[2]
DROP_IN = "/etc/systemd/system/{unit}.d/try.conf"
# Python's own library may lie in a home that the units cannot see; it is bound to /opt.
SHIM = """#!/opt/python/bin/python3
import sys
sys.path[:] = [each for each in sys.path if not each.endswith("site-packages")]
sys.path[:0] = ["/opt/source", "/opt/library"]
from syncd.cli import main
main()
"""
CONFIG = """shop: {url: "sqlite:////var/lib/syncd/shop.db", default_country: NL}
ledger: {key: {file: state_key}}
accounts: {here: {connector: memory}}
segments: {everyone: {sql: segments/everyone.sql}}
syncs:
  everyone: {segment: everyone, account: here, audience: Everyone, guard: {min_members: 0},
             poll: 1s, schedule: every 1h}
"""
WRONG = """nonsense: 1
alerts: {targets: {ops: {webhook: "http://127.0.0.1:8099/", secret: {file: alerts_team_chat}}}}
"""
HEAR = """
import http.server
class Hear(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8099), Hear).serve_forever()
"""
INSTALL = """set -eu
mkdir -p /opt/syncd/bin && cat > /opt/syncd/bin/syncd && chmod 755 /opt/syncd/bin/syncd
cd /opt/source
install -Dm644 systemd/syncd.sysusers /usr/lib/sysusers.d/syncd.conf && systemd-sysusers syncd.conf
install -Dm644 systemd/syncd.tmpfiles /usr/lib/tmpfiles.d/syncd.conf
systemd-tmpfiles --create syncd.conf
install -Dm644 -t /etc/systemd/system systemd/*.service systemd/*.timer
install -d -m 700 -o syncd -g syncd /var/lib/syncd
install -d -m 750 -g syncd /etc/syncd /etc/syncd/segments
install -d -m 700 /etc/credstore
umask 077
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' > /etc/credstore/syncd.state_key
echo nobody > /etc/credstore/syncd.meta_token
echo shared > /etc/credstore/syncd.alerts_team_chat
"""
PROBE = """
import mmap, os, socket
print(sorted(os.listdir(os.environ["CREDENTIALS_DIRECTORY"])))
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print(status["CapBnd"].strip().strip("0") or "none", status["NoNewPrivs"].strip(), end=" ")
print(status["Seccomp"].strip())
def refused(what):
    try: what()
    except OSError as error: return error.strerror
    return "ALLOWED"
print(refused(lambda: mmap.mmap(-1, 4096, prot=7)), end=" / ")
print(refused(lambda: open("/etc/x", "w")), end=" / ")
print( refused(lambda: socket.socket(socket.AF_NETLINK)))
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A systemd of our own.

    Attributes:
        leader: Its process, as numbered here.
    """

    leader: int

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command beside that systemd, as root there."""
        enter = ("nsenter", "-t", str(self.leader), "-p", "-m", "-C", "-u", "-i", "-n", "--")
        clean = ("env", "-i", "container=lxc", "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
        return subprocess.run(
            [*enter, *clean, *words], input=given, capture_output=True, text=True, check=False
        )

    def write(self, path: str, text: str) -> None:
        self.run("sh", "-c", f'mkdir -p "$(dirname {path})" && cat > {path}', given=text)

    def drop_in(self, unit: str, lines: str) -> None:
        """Replace the unit's drop-in; what it is not told is as shipped."""
        text = f"[Service]\nEnvironment=LD_LIBRARY_PATH=/opt/python/lib\n{lines}"
        self.write(DROP_IN.format(unit=unit), text)
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "reset-failed", unit)

    def shows(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def journal(self, unit: str) -> list[str]:
        words = ("journalctl", "--no-pager", "-o", "cat", "_SYSTEMD_UNIT=" + unit)
        return self.run(*words).stdout.splitlines()


@contextmanager
def booted() -> Iterator[Machine]:
    """Start it, and end it with everything in it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    group = Path(
        next(at for _, at, kind, *_ in mounts if kind == "cgroup2"), f"syncd-{os.getpid()}"
    )
    scratch = tempfile.mkdtemp(prefix="syncd-units-")
    group.mkdir()
    boot = Path(__file__).with_name("units_boot.sh")
    joined = (
        f"echo $$ > {group}/cgroup.procs && exec unshare -p -f -m -C -u -i -n --kill-child {boot}"
    )
    library = sysconfig.get_path("purelib")
    where = {"SCRATCH": scratch, "SOURCE": str(ROOT), "PYTHON": sys.base_prefix, "LIBRARY": library}
    outer = subprocess.Popen(["sh", "-c", joined], env={**os.environ, **where})
    try:
        below = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        wait_until(lambda: bool(below.read_text("utf-8").split()), seconds=10)
        machine = Machine(int(below.read_text("utf-8").split()[0]))
        states = {"running", "degraded"}
        wait_until(lambda: machine.run("systemctl", "is-system-running").stdout.strip() in states)
        yield machine
    finally:
        outer.send_signal(signal.SIGKILL)  # and with --kill-child all that is inside
        outer.wait()
        wait_until(lambda: _removed(group), seconds=20)
        shutil.rmtree(scratch, ignore_errors=True)


def _removed(group: Path) -> bool:
    """Whether the control group is gone, now that what was in it has ended."""
    for each in sorted(group.rglob("*"), reverse=True):
        if each.is_dir():
            try:
                each.rmdir()
            except OSError:
                return False
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def installs(machine: Machine) -> tuple[bool, str]:
    """By the lines of systemd/README.md; the shop and its configuration are made up."""
    done = machine.run("sh", "-c", INSTALL, given=SHIM)
    machine.write("/etc/syncd/syncd.yaml", CONFIG)
    machine.write("/etc/syncd/segments/everyone.sql", "SELECT customer_key, email FROM customers")
    people = ",".join(f"('c:{n:05}', 'p{n}@example.org')" for n in range(20))
    columns = "column1 customer_key, column2 email"
    sql = f"CREATE TABLE customers AS SELECT {columns} FROM (VALUES {people})"
    make = f"import sqlite3; sqlite3.connect('/var/lib/syncd/shop.db').execute(\"{sql}\")"
    machine.run("/opt/python/bin/python3", "-c", make)
    machine.run("sh", "-c", "chown syncd: /var/lib/syncd/shop.db; chmod -R g+rX,o= /etc/syncd")
    machine.run("chgrp", "-R", "syncd", "/etc/syncd")
    good = done.returncode == 0
    return good, "users, folders, units, credentials" if good else done.stderr.strip()


def closed(machine: Machine) -> tuple[bool, str]:
    """What the daemon's unit lets a process see and do."""
    machine.write("/opt/syncd/probe.py", PROBE)
    start = "ExecStart=\nExecStart=/opt/python/bin/python3 /opt/syncd/probe.py\n"
    machine.drop_in("syncd.service", f"Type=oneshot\nRestart=no\nWatchdogSec=0\n{start}")
    machine.run("systemctl", "start", "syncd.service")
    said = "; ".join(machine.journal("syncd.service")[-3:])
    wanted = (
        "['alerts_team_chat', 'meta_token', 'state_key']; none 1 2; Operation not permitted"
        " / Read-only file system / Address family not supported by protocol"
    )
    return said == wanted, said


def demo(machine: Machine) -> tuple[bool, str]:
    """The whole way, real SDKs and all, in the daemon's unit."""
    start = "ExecStart=\nExecStart=/opt/syncd/bin/syncd demo\n"
    machine.drop_in("syncd.service", f"Type=oneshot\nRestart=no\nWatchdogSec=0\n{start}")
    done = machine.run("systemctl", "start", "syncd.service")
    lines = machine.journal("syncd.service")
    agreed = [line for line in lines if line.startswith("Everything agreed")]
    return done.returncode == 0 and bool(agreed), (agreed or lines or [done.stderr])[-1]


def scheduled(machine: Machine) -> tuple[bool, str]:
    """The timer's round: a sync that is done."""
    machine.drop_in("syncd-scheduled.service", "Environment=SYNCS=everyone\n")
    done = machine.run("systemctl", "start", "syncd-scheduled.service")
    said = (machine.journal("syncd-scheduled.service") or [done.stderr])[-1]
    return done.returncode == 0 and "added 20" in said, said


def restarts(machine: Machine) -> tuple[bool, str]:
    """Which exit codes bring the daemon back."""
    back = []
    for code in (1, 2, 75, 77, 78):
        start = f"ExecStart=\nExecStart=/bin/sh -c 'exit {code}'\n"
        machine.drop_in("syncd.service", f"RestartSec=1\n{start}")
        machine.run("systemctl", "start", "syncd.service")
        state = machine.shows("syncd.service", "ActiveState")
        back += [code] if state == "activating" else []
        machine.run("systemctl", "stop", "syncd.service")
    return back == [1, 75], f"back after {back}, down after the others of 1, 2, 75, 77, 78"


def daemon(machine: Machine) -> tuple[bool, str]:
    """Up by its own word; killed, hung and stopped."""
    if machine.run("/opt/syncd/bin/syncd", "run", "--help").returncode != 0:
        return True, "syncd run is not built yet"
    unit = "syncd.service"
    machine.drop_in(unit, "RestartSec=1\nWatchdogSec=10\n")
    machine.run("systemctl", "start", unit)
    told = [f"Status: {machine.shows(unit, 'StatusText')}"]
    well = machine.shows(unit, "ActiveState") == "active"
    for number, sent in enumerate(("KILL", "STOP"), 1):
        machine.run("sh", "-c", f"kill -{sent} $(systemctl show -P MainPID {unit})")
        wait_until(_came_back(machine, unit, number), seconds=60)
        told.append(f"back after SIG{sent}")
    machine.run("systemctl", "stop", unit)
    code = machine.shows(unit, "ExecMainStatus")
    return well and code == "0", "; ".join([*told, f"stopped with {code}"])


def _came_back(machine: Machine, unit: str, times: int) -> Callable[[], bool]:
    def came_back() -> bool:
        state = machine.shows(unit, "ActiveState"), machine.shows(unit, "NRestarts")
        return state == ("active", str(times))

    return came_back


def failing(machine: Machine) -> tuple[bool, str]:
    """A configuration that is wrong ends the daemon, and whom its `alerts` name hear of it."""
    machine.write("/etc/syncd/syncd.yaml", CONFIG + WRONG)
    machine.write("/opt/syncd/hear.py", HEAR)
    machine.run("systemd-run", "--unit=hear", "/opt/python/bin/python3", "/opt/syncd/hear.py")
    machine.drop_in("syncd-failed@.service", "")
    machine.drop_in("syncd.service", "")
    machine.run("systemctl", "start", "syncd.service")

    def heard() -> list[str]:
        return [line for line in machine.journal("hear.service") if line.startswith("{")]

    wait_until(lambda: bool(heard()), seconds=60)
    said = json.loads(heard()[-1])
    code = machine.shows("syncd.service", "ExecMainStatus")
    right = (said["subject"], said["condition"]) == ("service syncd.service", "service_failed")
    return right and code == "78", f"ended with {code}; told: {said['said'][:80]}..."


def main() -> int:
    """Boot, try, and print what came of it."""
    checks = (installs, closed, demo, scheduled, restarts, daemon, failing)
    failed = 0
    with booted() as machine:
        version = machine.run("systemctl", "--version").stdout.splitlines()[0]
        print(f"{version}, kernel {os.uname().release}, Python {sys.version.split()[0]}")
        for check in checks:
            good, said = check(machine)
            failed += not good
            print(f"{'good' if good else 'WRONG':5}  {check.__name__:9}  {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("systemctl") is None:
        sys.exit("needs root, systemd's and util-linux' tools")
    sys.exit(main())
