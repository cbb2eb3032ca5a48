"""What counts as getting on, second by second, on a clock that the test moves."""

from __future__ import annotations

import threading
from datetime import timedelta

from syncd.service.pulse import Patient, Pulse

PATIENT = Patient(asking=timedelta(seconds=10), else_=timedelta(seconds=100))


class Scene:
    def __init__(self) -> None:
        self.at = 1_000.0
        self.pulse = Pulse(lambda: self.at, PATIENT)

    def hung_after(self, seconds: float) -> tuple[str, ...]:
        self.at += seconds
        return self.pulse.hung()


def test_nothing_that_runs_is_never_hung() -> None:
    assert Scene().hung_after(1e9) == ()


def test_who_says_nothing_is_hung_once_its_longest_step_is_over() -> None:
    scene = Scene()
    with scene.pulse.of("whales"):
        assert scene.hung_after(100) == ()
        assert scene.hung_after(1) == ("whales",)
        scene.pulse.beat()
        assert scene.hung_after(100) == ()
    assert scene.hung_after(1_000) == ()


def test_who_sends_rows_may_be_silent_for_as_long_as_a_request_lasts() -> None:
    scene = Scene()
    with scene.pulse.of("whales"):
        scene.pulse.progress("read", 20_000, 0)
        assert scene.hung_after(100) == ()
        scene.pulse.progress("add", 0, 50_000)
        assert scene.pulse.doing() == ("whales: add 0 of 50,000",)
        assert scene.hung_after(10) == ()
        assert scene.hung_after(1) == ("whales",)
        scene.pulse.progress("add", 50_000, 50_000)  # all are sent: now it folds and compares
        assert scene.hung_after(100) == ()


def test_a_known_wait_is_no_silence_however_long() -> None:
    scene = Scene()
    with scene.pulse.of("whales"):
        scene.pulse.progress("add", 0, 5)
        scene.pulse.wait(900)
        assert scene.hung_after(910) == ()
        assert scene.hung_after(1) == ("whales",)


def test_one_threads_life_is_no_sign_of_anothers() -> None:
    scene = Scene()
    begun, over = threading.Event(), threading.Event()

    def other() -> None:
        with scene.pulse.of("newsletter"):
            begun.set()
            assert over.wait(20)

    thread = threading.Thread(target=other)
    thread.start()
    assert begun.wait(20)
    with scene.pulse.of("whales"):
        scene.at += 101
        scene.pulse.beat()
        assert scene.pulse.names() == ("newsletter", "whales")
        assert scene.pulse.hung() == ("newsletter",)
        over.set()
        thread.join(20)
        assert scene.pulse.names() == ("whales",)
