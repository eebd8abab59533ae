"""transformers' template sandbox, quicker for what templates do all the time.

The sandbox weighs each attribute and each call anew. For keys of plain dicts, fields of loops and namespaces, and
methods of strings the answer is always the same, so it is given at once; everything else goes the sandbox's own way.
Comes in: an environment that nobody else holds. Goes out: the same environment, changed.
"""

from types import BuiltinMethodType
from typing import Any

from jinja2.runtime import LoopContext
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace

_OF_DICT = frozenset(dir(dict))
_OF_LOOP = frozenset(name for name in dir(LoopContext) if not name.startswith("_"))
_OF_STR = frozenset(name for name in dir(str) if not name.startswith(("_", "format")))


def make_quick(environment: SandboxedEnvironment) -> None:
    """Replace `getattr` and `call` of this environment; what they allow and give stays the same."""
    slow_getattr, slow_call, undefined = environment.getattr, environment.call, environment.undefined

    def get(value: Any, name: str) -> Any:
        kind = type(value)
        if kind is dict:
            if name not in _OF_DICT:
                return value[name] if name in value else undefined(obj=value, name=name)
        elif (
            (kind is LoopContext and name in _OF_LOOP)
            or (kind is str and name in _OF_STR)
            or (isinstance(value, Namespace) and not name.startswith("_"))
        ):
            try:
                return getattr(value, name)
            except AttributeError:
                return slow_getattr(value, name)
        return slow_getattr(value, name)

    def call(context: Any, function: Any, *arguments: Any, **options: Any) -> Any:
        if type(function) is BuiltinMethodType and type(function.__self__) is str and function.__name__ in _OF_STR:
            options.pop("_loop_vars", None)  # what Jinja passes on for functions that want its context
            options.pop("_block_vars", None)
            return function(*arguments, **options)
        return slow_call(context, function, *arguments, **options)

    environment.getattr, environment.call = get, call  # type: ignore[method-assign, assignment]
