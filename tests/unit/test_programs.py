"""Programs that Loom starts, and copies of its process that workers make."""

import os
import threading

from loom.programs import starting


def test_nobody_copies_this_process_while_a_program_is_being_started() -> None:
    copied = threading.Event()

    def copy() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0)
        copied.set()
        os.waitpid(child, 0)

    thread = threading.Thread(target=copy)
    with starting():
        thread.start()
        assert not copied.wait(0.2)
    thread.join(60)
    assert copied.is_set()


def test_a_copy_starts_programs_as_its_original_does() -> None:
    child = os.fork()
    if child == 0:
        with starting():
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    with starting():
        pass
