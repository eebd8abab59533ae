"""The run file of `callsmith build`: every option by its name, in YAML.

Comes in: a file. Goes out: defaults for the command's options, which the command line overrules. Lists may be written
for what takes several values, and a mapping for the mix. Knows nothing of what the options mean.
"""

from pathlib import Path
from typing import Any

import typer
import yaml

from agent.errors import UserError


def read_run_file(context: typer.Context, file: Path | None) -> Path | None:
    """Typer's callback of `--config`.

    Raises:
        UserError: the file cannot be read, is no mapping, or names an option that does not exist.
    """
    if file is None:
        return None
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(file)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"is no YAML: {error}", where=str(file)) from error
    if not isinstance(found, dict):
        raise UserError("is no run file", where=str(file), mend="write options by name, as `rows: 5000`")
    names = {
        option.lstrip("-").replace("-", "_"): parameter
        for parameter in context.command.params
        for option in (*parameter.opts, parameter.name or "")
    }
    defaults: dict[str, Any] = {}
    for name, value in found.items():
        parameter = names.get(str(name).replace("-", "_"))
        if parameter is None or parameter.name in (None, "config"):
            raise UserError(f"there is no option {name!r}", where=str(file), mend="see `callsmith build --help`")
        if value is not None:
            defaults[str(parameter.name)] = _as_written(value, several=parameter.multiple or parameter.nargs == -1)
    context.default_map = {**(context.default_map or {}), **defaults}
    return file


def _as_written(value: Any, several: bool) -> Any:
    """A value as it would be written on the command line."""
    if several:
        return [str(item) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, bool) else str(value)
