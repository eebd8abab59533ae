"""Errors written for the person who reads them, and the one place that turns them into exit codes.

Exit codes: 0 done; 1 the work was done and its answer is "no"; 2 bad input or usage; 130 interrupted.
"""

import contextlib
import errno
import sys
from collections.abc import Iterator


class UserError(Exception):
    """Something the person can mend: what was seen, where, and what would mend it.

    Args:
        what: What is wrong, naming the value that was seen.
        where: File, row and field, as `rows.jsonl, row 3, messages[1].content`.
        mend: What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = ""):
        self.what, self.where, self.mend = what, where, mend
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text} ({self.mend})" if self.mend else text
        return " ".join(text.split())


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Run a command's body; turn what the person can mend into one line on standard error and exit code 2."""
    try:
        yield
    except UserError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("interrupted; what was finished is kept, the same command goes on from there", 130)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _fail(
                f"the disk is full while writing {error.filename or 'a file'} (free some room; nothing was replaced)", 2
            )
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            _fail(f"{error.filename}: not allowed ({error.strerror})", 2)
        raise


def _fail(line: str, code: int) -> None:
    print(f"callsmith: {line}", file=sys.stderr)
    raise SystemExit(code)
