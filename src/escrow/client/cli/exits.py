"""What the exit codes of `escrow` mean; scripts may rely on them."""

from __future__ import annotations

from enum import IntEnum

from escrow.errors import (
    EscrowError,
    ExportInvalid,
    LocalError,
    PlainHttpRefused,
    ProtocolError,
    ServiceAnswerInvalid,
    ServiceRefused,
    ServiceUnreachable,
    SinkFailed,
    SourceFailed,
    SubmissionRejected,
    VerificationFailed,
)

__all__ = ["ExitCode", "exit_code_of"]


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    LOCAL = 5
    INPUT = 6
    VERIFICATION = 7
    OTHER_SYSTEM = 8
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the code says, in a line."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.UNEXPECTED: "an error nobody expected; please report it",
    ExitCode.USAGE: "the command was not understood",
    ExitCode.REFUSED: "the service refused",
    ExitCode.UNREACHABLE: "the service gave no answer that could be used",
    ExitCode.LOCAL: "the keyring, the account state or the home folder does not allow it",
    ExitCode.INPUT: "the file of accounts cannot be used",
    ExitCode.VERIFICATION: "a code, a tag or an envelope did not verify",
    ExitCode.OTHER_SYSTEM: "a sink or a source of another system failed",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
}

_EXITS: tuple[tuple[type[EscrowError], ExitCode], ...] = (
    (PlainHttpRefused, ExitCode.USAGE),
    (ServiceRefused, ExitCode.REFUSED),
    (SubmissionRejected, ExitCode.REFUSED),
    (ServiceUnreachable, ExitCode.UNREACHABLE),
    (ServiceAnswerInvalid, ExitCode.UNREACHABLE),
    (LocalError, ExitCode.LOCAL),
    (ExportInvalid, ExitCode.INPUT),
    (SinkFailed, ExitCode.OTHER_SYSTEM),
    (SourceFailed, ExitCode.OTHER_SYSTEM),
    (VerificationFailed, ExitCode.VERIFICATION),
    (ProtocolError, ExitCode.VERIFICATION),
)


def exit_code_of(error: EscrowError) -> ExitCode:
    """Give the exit code of an error."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), ExitCode.UNEXPECTED)
