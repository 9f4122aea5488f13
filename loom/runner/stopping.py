"""Stop: somebody wants this tick to end before its work does."""

from loom.errors import ExitCode


class Stop:
    """Set from outside, at any moment and from any thread; looked at by the runner wherever it may stop."""

    def __init__(self) -> None:
        self.why = ""
        self.exit_code = ExitCode.OK

    @property
    def asked(self) -> bool:
        return bool(self.why)

    def ask(self, why: str, exit_code: ExitCode) -> None:
        """why: what a record says of it, such as 'stopped by SIGTERM'. exit_code: what the tick ends with."""
        self.exit_code = exit_code
        self.why = why
