"""How a training script that runs under a launcher tells its failure in one line and with its own exit code.

A launcher turns every exit code of its children into 1 and adds tracebacks of its own. So the script also writes code
and line to the file named by the environment variable `CALLSMITH_FAILURE`, where `callsmith train` looks for them.
Knows nothing of training.
"""

import contextlib
import io
import json
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from agent.errors import exit_codes

VARIABLE = "CALLSMITH_FAILURE"


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """Run a script's body; a failure that a person can mend is told once, by the first of all processes, in one line;
    any other with its traceback.
    """
    try:
        yield
    except BaseException as error:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), exit_codes():
                raise error
        except SystemExit as leaving:
            _tell(said.getvalue(), leaving.code)
            raise
        except Exception:  # ours to mend: all of it is told
            _tell(traceback.format_exc(), 1)
            raise


def _tell(line: str, code: object) -> None:
    if os.environ.get("RANK", "0") != "0" or not line:
        return
    note = os.environ.get(VARIABLE)
    if note:  # whole at once: the reader looks while this is written
        part = Path(f"{note}.tmp")
        part.write_text(json.dumps({"code": code, "line": line}), "utf-8")
        os.replace(part, note)
    else:
        sys.stderr.write(f"\n{line}")
