"""Runs `callsmith build` in this process: its exit code, its standard output and its standard error."""

import pytest

from agent.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["build", *map(str, arguments)])
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err
