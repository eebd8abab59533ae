"""Models behind HTTP: any OpenAI-compatible endpoint, and Inference Providers, both through `huggingface_hub`.

Comes in: messages and tools. Goes out: the stream of `agent.models.protocol`. Overload, server errors and lost
connections are tried again (as long as nothing was shown yet); what stays broken is a `UserError` that names the
address. Keys come from the environment and go nowhere but into the request.
"""

import contextlib
import functools
import os
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from httpx2 import (
    AsyncClient,
    ConnectError,
    ConnectTimeout,
    HTTPError,
    LocalProtocolError,
    Timeout,
    TransportError,
    create_ssl_context,
)
from huggingface_hub import AsyncInferenceClient, set_async_client_factory
from huggingface_hub.errors import InferenceTimeoutError
from huggingface_hub.utils._http import async_hf_request_event_hook, async_hf_response_event_hook
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from agent.errors import UserError
from agent.messages import Message, ToolSchema
from agent.models.collected import Collected
from agent.models.protocol import Reply, Sampling, TextDelta
from agent.models.visible import visible_in
from agent.models.wire import request_body

ATTEMPTS = 6
TIMEOUT = 120.0  # seconds without a sign of life
CONNECT_TIMEOUT = 10.0  # seconds until an address counts as out of reach
MAX_WAIT = 60.0  # seconds between two attempts, whatever the server asks for
_BACKOFF = wait_random_exponential(multiplier=0.5, max=20)
_DOWN = "is the server running, and the address right? An OpenAI-compatible one ends in /v1"
_KEYS = "set OPENAI_API_KEY or HF_TOKEN to a key it takes"
_BAD_KEY = "the key holds a character no header may hold"
_RETRIED_STATUS = {408, 409, 425, 429, 500, 502, 503, 504, 529}


_REFUSALS = {400, 404, 405, 415, 422, 500, 501}
_ABOUT_TOOLS = re.compile(r"tool|function|role", re.IGNORECASE)
_NEVER_TOOLS = re.compile(r"tools? .{0,40}(not support|requires?|--jinja)|not support.{0,20}tool", re.IGNORECASE)


@functools.cache
def _certificates() -> ssl.SSLContext:
    return create_ssl_context()


def _connection() -> AsyncClient:
    """What `huggingface_hub` makes by default, except that the certificates are read once and not for every request:
    that alone takes 40 ms of CPU time, which is more than all the rest of a request.
    """
    return AsyncClient(
        verify=_certificates(),
        event_hooks={"request": [async_hf_request_event_hook], "response": [async_hf_response_event_hook]},
        follow_redirects=True,
        timeout=None,
    )


class EndpointModel:
    """A model that answers over HTTP.

    Args:
        name: `http://HOST/v1`, `http://HOST/v1#MODEL`, or `hf:PROVIDER/MODEL`.
        attempts: How often a request is tried before it is given up.
        format: How tools are asked for: "native" in the request, "hermes", "react" or "react_zh" as text; "auto"
            natively until the endpoint refuses that, then as hermes.

    `Sampling.constrained` changes nothing here: a call that must come (`tool_choice` other than "auto") is asked for in
    the protocol's own way, or as text with a schema for the answer; with "auto" nothing holds calls to their schemas
    but what the engine does by itself. The agent checks and mends arguments before a tool runs, as it always does.
    """

    def __init__(self, name: str, *, attempts: int = ATTEMPTS, format: str = "auto"):  # noqa: A002, the field's word
        self.name = name
        self.format = "native" if format == "auto" else format
        self._may_fall_back = format == "auto"
        self._attempts = attempts
        self._timeout: Any = Timeout(TIMEOUT, connect=CONNECT_TIMEOUT)  # the client declares less than it takes
        set_async_client_factory(_connection)
        if name.startswith("hf:"):
            provider, _, model = name.removeprefix("hf:").partition("/")
            if not provider or not model:
                raise UserError(
                    f"{name!r} names no model", mend="write hf:PROVIDER/MODEL, as hf:together/Qwen/Qwen3-8B"
                )
            key = os.environ.get("HF_TOKEN", "").strip()
            if not key:
                raise UserError(f"{name} needs a token", mend="set HF_TOKEN in the environment")
            self._where = f"{provider} ({model})"
            self._client_options: dict[str, Any] = {"provider": provider, "model": model, "api_key": key}
            self._model: str | None = model
        else:
            address, _, model = name.partition("#")
            _check_address(address)
            self._where = address
            # A key is always given: without one the client would send the Hub's token to this address.
            key = os.environ.get("OPENAI_API_KEY", "").strip() or "none"
            self._client_options = {"base_url": address.rstrip("/"), "api_key": key}
            self._model = model or os.environ.get("OPENAI_MODEL") or None

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        """Write the next message; raises `UserError` where the endpoint is down, refuses or breaks off."""
        question, answer = await self._asked(messages, tools, sampling)
        async with answer.stack:
            try:
                for delta in answer.shown:
                    yield delta
                async for chunk in answer.chunks:
                    for delta in answer.collected.take(chunk):
                        yield delta
                answer.collected.check_end()
                reply = answer.collected.reply(list(tools))
                for delta in answer.collected.visible.finish(calls="tool_calls" in reply.message):
                    yield delta
            except (HTTPError, ValueError) as error:
                if not _is_passing(error):
                    raise self._as_user_error(error) from error
                # What was shown cannot be taken back: the answer is asked for again, and only its end is shown.
                async with (again := await self._begun(question, whole=True)).stack:
                    reply = again.collected.reply(list(tools))
        yield reply

    async def _asked(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> tuple["_Question", "_Answer"]:
        """What is asked and the answer's beginning; an endpoint that refuses tools is asked in text, now and later."""
        form = self.format  # another request may change it while this one is under way
        question = _Question(request_body(messages, tools, sampling, form, self._model), form)
        try:
            return question, await self._begun(question)
        except UserError as error:
            if not (self._may_fall_back and form == "native" and _refuses_tools(error.__cause__, question.request)):
                raise
        question = _Question(request_body(messages, tools, sampling, "hermes", self._model), "hermes")
        answer = await self._begun(question)
        self.format = "hermes"  # only now: where this is refused too, it was not the tools
        return question, answer

    async def _begun(self, question: "_Question", *, whole: bool = False) -> "_Answer":
        """The answer up to its first visible text (or its end), asked for again as often as that may help."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_passing),
            stop=self._is_over,
            wait=_wait,
            reraise=True,
        )
        try:
            return await retrying(self._try, question, whole)
        except (HTTPError, ValueError) as error:
            if _is_about_the_key(error):
                # `from None`: the error's own text quotes the whole key.
                raise UserError(f"{self._where} cannot be asked: {_BAD_KEY}", mend=_KEYS) from None
            raise self._as_user_error(error) from error

    def _is_over(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # Nobody listens there: a server that is starting takes longer than a few seconds anyway.
        tries = min(self._attempts, 3) if isinstance(error, ConnectError | ConnectTimeout) else self._attempts
        return state.attempt_number >= tries

    async def _try(self, question: "_Question", whole: bool) -> "_Answer":
        request = question.request
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                AsyncInferenceClient(**self._client_options, timeout=self._timeout)
            )
            if request["model"] is None:
                request["model"] = self._model = await self._first_model(client)
            try:
                chunks = await client.chat_completion(**request)
            except InferenceTimeoutError as error:  # the client hides in it what ran out of time
                if isinstance(error.__cause__, ConnectTimeout):
                    raise error.__cause__ from None
                raise
            collected = Collected(visible=visible_in(question.form))
            shown: list[TextDelta] = []
            async for chunk in chunks:
                shown = collected.take(chunk)
                if shown and not whole:
                    break
            else:
                collected.check_end()
            return _Answer(stack.pop_all(), chunks, collected, shown)
        raise AssertionError("an exit stack swallows nothing")

    async def _first_model(self, client: AsyncInferenceClient) -> str:
        """The model the endpoint serves; most serve one. Where it does not tell, any name will do."""
        http = await client._get_async_client()  # the client has no public way to list models
        answer = await http.get(
            f"{self._client_options['base_url']}/models",
            headers={"authorization": f"Bearer {self._client_options['api_key']}"},
            timeout=self._timeout,
        )
        with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
            return str(answer.json()["data"][0]["id"])
        return "default"

    def _as_user_error(self, error: Exception) -> UserError:
        response = getattr(error, "response", None)
        if response is None:
            reason = " ".join(str(error).split()) or type(error).__name__
            return UserError(f"{self._where} does not answer as it should: {reason}", mend=_DOWN)
        mend = _KEYS if response.status_code in (401, 403) else ""
        return UserError(f"{self._where} answers {response.status_code}: {_body(response)}", mend=mend)


def _check_address(address: str) -> None:
    """Raise `UserError` where nothing could ever be reached at `address`: it has no host, or a port that is none."""
    try:
        parts = urlsplit(address)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, or a port of letters
        known = False
    if not known:
        raise UserError(f"{address!r} is no address of an endpoint", mend="write http://HOST:PORT/v1")


@dataclass(frozen=True)
class _Question:
    """A request, and the format its tools are asked for in: the answer comes in that one."""

    request: dict[str, Any]
    form: str


@dataclass
class _Answer:
    """An answer under way: what closes it, what is still to come, and what came."""

    stack: AsyncExitStack
    chunks: AsyncIterable[Any]
    collected: "Collected"
    shown: list[TextDelta]


def _refuses_tools(error: BaseException | None, request: dict[str, Any]) -> bool:
    """Whether a refusal is about tools or their roles: each server words it its own way."""
    response = getattr(error, "response", None)
    if response is None or response.status_code not in _REFUSALS:
        return False
    asked = request.get("tools") or any(message["role"] == "tool" for message in request["messages"])
    return bool(asked and _ABOUT_TOOLS.search(_body(response)))


def _is_passing(error: BaseException) -> bool:
    """Whether asking again may help: overload, a server's own fault, a lost connection."""
    response = getattr(error, "response", None)
    if response is not None:
        return response.status_code in _RETRIED_STATUS and not _NEVER_TOOLS.search(_body(response))
    return isinstance(error, TransportError) and not _is_about_the_key(error)


def _is_about_the_key(error: BaseException) -> bool:
    """Whether the request could not be written at all: of all that stands in its headers only the key may be at fault.

    A body is written in UTF-8, so what cannot be said in ASCII stood in a header.
    """
    return isinstance(error, LocalProtocolError) or (
        isinstance(error, UnicodeEncodeError) and error.encoding == "ascii"
    )


def _wait(state: RetryCallState) -> float:
    """Seconds before the next attempt: what the server asks for, else longer each time, spread by chance."""
    error = state.outcome.exception() if state.outcome else None
    response = getattr(error, "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    if asked.replace(".", "", 1).isdigit():
        return min(float(asked), MAX_WAIT)
    with contextlib.suppress(ValueError, TypeError):
        return min(max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()), MAX_WAIT)
    return _BACKOFF(state)


def _body(response: Any) -> str:
    """What the server says about a refusal, in short."""
    try:
        told = response.json()
    except Exception:
        return str(getattr(response, "reason_phrase", "")) or "no reason given"
    error = told.get("error", told) if isinstance(told, dict) else told
    message = error.get("message", error) if isinstance(error, dict) else error
    return str(message)[:300]
