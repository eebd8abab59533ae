"""Models behind HTTP, against a real server on loopback that answers, stumbles, refuses and breaks off."""

import asyncio
import json
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from httpx2 import AsyncClient, ConnectTimeout, MockTransport

from agent.errors import UserError
from agent.loop import Agent
from agent.messages import tool_call, tool_message
from agent.models import Reply, Sampling, TextDelta, complete, endpoint, load_model
from agent.tools import tool

ASK = [{"role": "user", "content": "北京天气？"}]
SCHEMA = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Look up the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def chunk(finish=None, **delta):
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def call_chunks(name, arguments, index=0):
    """A call as OpenAI streams it: the name first, the arguments in pieces, then the end."""
    function = {"name": name, "arguments": ""}
    yield chunk(tool_calls=[{"index": index, "id": f"call_{index}", "type": "function", "function": function}])
    for start in range(0, len(arguments), 5):
        piece = {"index": index, "function": {"arguments": arguments[start : start + 5]}}
        yield chunk(tool_calls=[piece])
    yield chunk("tool_calls")


USAGE = {"id": "1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}
HELLO = [chunk(role="assistant", content=""), chunk(content="你"), chunk(content="好"), chunk("stop"), USAGE]


class Server(ThreadingHTTPServer):
    """Gives the scripted answers one after the other, the last one for ever, and keeps what it was asked. An answer may
    depend on what is asked.
    """

    daemon_threads = True

    def __init__(self, answers):
        self.answers, self.asked, self.headers = list(answers), [], []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_): ...

    def do_GET(self):
        self._send(200, json.dumps({"data": [{"id": "served-model"}]}).encode())

    def do_POST(self):
        server = self.server
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server.asked.append(asked)
        server.headers.append(dict(self.headers))
        answer = server.answers[min(len(server.asked), len(server.answers)) - 1]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, tuple):
            status, headers = answer
            words = headers.get("x-words", f"status {status}")
            return self._send(status, json.dumps({"error": {"message": words}}).encode(), headers)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for part in answer:
            if part == "reset":
                self.connection.shutdown(2)
                return None
            if isinstance(part, float):
                time.sleep(part)
                continue
            self.wfile.write(f"data: {json.dumps(part, ensure_ascii=False)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        return None

    def _send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def serve():
    servers = []

    def start(*answers):
        servers.append(Server(answers))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def collect(model, messages=ASK, tools=(SCHEMA,), sampling=None):
    async def all_items():
        return [item async for item in model.stream(messages, list(tools), sampling or Sampling())]

    return asyncio.run(all_items())


def test_text_streams_piece_by_piece_and_ends_with_the_reply(serve):
    *deltas, reply = collect(load_model(serve(HELLO).url))
    assert deltas == [TextDelta("你"), TextDelta("好")]
    assert reply.message == {"role": "assistant", "content": "你好"}
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.finish) == (7, 3, "stop")


def test_calls_in_pieces_are_put_together(serve):
    answer = [
        *call_chunks("get_weather", '{"city": "北京"}'),
        *call_chunks("get_weather", '{"city": "上海"}', 1),
        USAGE,
    ]
    reply = collect(load_model(serve(answer).url))[-1]
    functions = [call["function"] for call in reply.message["tool_calls"]]
    assert [function["arguments"] for function in functions] == [{"city": "北京"}, {"city": "上海"}]
    assert (reply.repairs, reply.problems) == ([], [])


def _whole(name, city, **more):
    function = {"name": name, "arguments": json.dumps({"city": city}, ensure_ascii=False)}
    return chunk(tool_calls=[{"id": f"call_{city}", "type": "function", "function": function, **more}])


@pytest.mark.parametrize("more", [{"index": 0}, {}], ids=["one index for all", "no index"])
def test_calls_that_come_whole_are_told_apart_by_their_ids(serve, more):
    cities = ["北京", "上海", "上海 2"]
    answer = [*(_whole("get_weather", city, **more) for city in cities), chunk("tool_calls"), USAGE]
    reply = collect(load_model(serve(answer).url))[-1]
    assert [call["function"]["arguments"]["city"] for call in reply.message["tool_calls"]] == cities
    assert (reply.repairs, reply.problems) == ([], [])


def test_pieces_without_an_index_belong_to_the_last_call(serve):
    first = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": '}}
    second = {"id": "b", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "上海"}'}}
    rest = {"function": {"arguments": '"北京"}'}}
    answer = [chunk(tool_calls=[first]), chunk(tool_calls=[rest]), chunk(tool_calls=[second]), chunk("tool_calls")]
    reply = collect(load_model(serve(answer).url))[-1]
    assert [call["function"]["arguments"]["city"] for call in reply.message["tool_calls"]] == ["北京", "上海"]


def test_calls_in_the_text_are_read_and_their_markup_is_not_shown(serve):
    text = '我查一下。\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京"}}\n</tool_call>'
    *deltas, reply = collect(load_model(serve([*(chunk(content=letter) for letter in text), chunk("stop")]).url))
    assert "".join(delta.text for delta in deltas) == reply.message["content"] == "我查一下。"
    assert reply.message["tool_calls"][0]["function"]["arguments"] == {"city": "北京"}


def test_bent_native_arguments_are_mended_and_hopeless_ones_reported(serve):
    model = load_model(
        serve([*call_chunks("get_weather", "{'city': '北京'")], [*call_chunks("get_weather", "{city")]).url
    )
    mended = collect(model)[-1]
    assert mended.message["tool_calls"][0]["function"]["arguments"] == {"city": "北京"}
    assert mended.repairs
    assert collect(model)[-1].problems


def test_reasoning_is_a_thought(serve):
    *deltas, reply = collect(load_model(serve([chunk(reasoning_content="想"), chunk(content="好"), chunk("stop")]).url))
    assert deltas == [TextDelta("想", thought=True), TextDelta("好")]
    assert reply.message == {"role": "assistant", "content": "好", "reasoning_content": "想"}


def test_a_reply_cut_at_the_limit_says_so(serve):
    assert collect(load_model(serve([chunk(content="half"), chunk("length")]).url))[-1].finish == "length"


def test_what_is_sent_is_what_the_protocol_wants(serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
    monkeypatch.setenv("HF_TOKEN", "hf_never")
    server = serve(HELLO)
    call = tool_call("get_weather", {"city": "北京"}, "abcdefghi")
    messages = [
        *ASK,
        {"role": "assistant", "content": "", "tool_calls": [call], "train": False, "reasoning_content": "x"},
        tool_message(call, "晴"),
    ]
    collect(load_model(server.url), messages, sampling=Sampling(max_new_tokens=9, temperature=0.5, top_p=0.9, seed=3))
    [asked] = server.asked
    assert asked["model"] == "served-model"
    assert {key: asked[key] for key in ("max_tokens", "temperature", "top_p", "seed", "stream")} == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 3,
        "stream": True,
    }
    assert asked["tools"] == [SCHEMA]
    sent = asked["messages"][1]
    assert set(sent) == {"role", "content", "tool_calls"}
    assert sent["tool_calls"][0]["function"]["arguments"] == '{"city": "北京"}'
    assert asked["messages"][2] == {"role": "tool", "content": "晴", "tool_call_id": "abcdefghi"}
    assert "secret-key" in server.headers[0]["authorization"]


def test_the_hub_token_never_goes_to_an_endpoint(serve, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_never")
    server = serve(HELLO)
    collect(load_model(f"{server.url}#my-model"))
    assert "hf_never" not in str(server.headers)
    assert server.asked[0]["model"] == "my-model"


@pytest.mark.parametrize(
    "fault", [(429, {"retry-after": "0.2"}), (503, {"retry-after": "0"}), ["reset"], [chunk(), "reset"]]
)
def test_passing_faults_are_tried_again(serve, fault):
    server = serve(fault, HELLO)
    started = time.monotonic()
    assert collect(load_model(server.url))[-1].message["content"] == "你好"
    assert len(server.asked) == 2
    if isinstance(fault, tuple):
        assert time.monotonic() - started >= float(fault[1]["retry-after"])


def test_no_connection_of_an_answer_that_is_asked_for_again_stays_open(serve, monkeypatch):
    opened, closed = [], []

    class Watched(endpoint.AsyncInferenceClient):
        async def __aenter__(self):
            opened.append(self)
            return await super().__aenter__()

        async def __aexit__(self, *error):
            closed.append(self)
            await super().__aexit__(*error)

    monkeypatch.setattr(endpoint, "AsyncInferenceClient", Watched)
    collect(load_model(serve([chunk(content="你"), 0.1, "reset"], HELLO).url))
    assert len(opened) == 2
    assert set(closed) == set(opened)


def test_an_answer_that_breaks_off_is_asked_for_again_and_shown_once(serve):
    server = serve([chunk(content="你"), 0.1, "reset"], HELLO)
    *deltas, reply = collect(load_model(server.url))
    assert deltas == [TextDelta("你")]
    assert reply.message["content"] == "你好"


@pytest.mark.parametrize(("status", "hint"), [(400, "status 400"), (401, "OPENAI_API_KEY"), (404, "status 404")])
def test_a_refusal_is_told_at_once(serve, status, hint):
    server = serve((status, {}))
    with pytest.raises(UserError, match=hint) as caught:
        collect(load_model(server.url))
    assert server.url in str(caught.value)
    assert len(server.asked) == 1


REFUSALS = [
    (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    (400, "registry.local/model does not support tools"),
    (500, "tools param requires --jinja flag"),
    (422, "unknown role: tool"),
]


@pytest.mark.parametrize(("status", "words"), REFUSALS)
def test_an_endpoint_without_tools_is_asked_in_text(serve, status, words):
    text = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京"}}\n</tool_call>'
    server = serve((status, {"x-words": words}), [chunk(content=text), chunk("stop")])
    model = load_model(server.url)
    for _ in range(2):
        reply = collect(model)[-1]
        assert reply.message["tool_calls"][0]["function"]["arguments"] == {"city": "北京"}
    assert ["tools" in asked for asked in server.asked] == [True, False, False], "it is found out once"
    assert "get_weather" in server.asked[1]["messages"][0]["content"]


def test_of_requests_that_are_refused_together_each_is_asked_again_in_text(serve):
    def refuses_tools(asked):
        if "tools" not in asked:
            return HELLO
        time.sleep(0.1 * int(asked["messages"][0]["content"]))
        return (400, {"x-words": "tools are not supported"})

    server = serve(refuses_tools)
    model = load_model(server.url)

    async def all_at_once():
        asked = [[{"role": "user", "content": str(number)}] for number in range(4)]
        return await asyncio.gather(*(complete(model, messages, [SCHEMA], Sampling()) for messages in asked))

    assert [reply.message["content"] for reply in asyncio.run(all_at_once())] == ["你好"] * 4
    assert model.format == "hermes"


def test_a_refusal_that_only_speaks_of_tools_costs_nobody_else_their_tools(serve):
    too_long = (400, {"x-words": "9000 tokens (8000 in the messages, 1000 in the functions) are too many"})
    call = [*call_chunks("get_weather", '{"city": "北京"}')]
    server = serve(too_long, too_long, call)
    model = load_model(server.url)
    with pytest.raises(UserError, match="too many"):
        collect(model)
    assert collect(model)[-1].message["tool_calls"]
    assert ["tools" in asked for asked in server.asked] == [True, False, True]


def test_a_format_that_was_chosen_is_kept(serve):
    answer = '思考：查\n行动：get_weather\n行动输入：{"city": "北京"}'
    server = serve([chunk(content=answer), chunk("stop")])
    *deltas, reply = collect(load_model(server.url, format="react_zh"))
    assert [(delta.text, delta.thought) for delta in deltas] == [("查", True)]
    assert reply.message["tool_calls"][0]["function"]["name"] == "get_weather"
    [asked] = server.asked
    assert "tools" not in asked
    assert "\n观察：" in asked["stop"]
    assert "行动输入" in asked["messages"][0]["content"]
    native = serve((400, {"x-words": "no tools here"}))
    with pytest.raises(UserError, match="no tools here"):
        collect(load_model(native.url, format="native"))


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("none", "none"),
        ("required", "required"),
        ("get_weather", {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_how_calls_may_be_made_is_asked_for(serve, choice, sent):
    server = serve(HELLO)
    collect(load_model(server.url), sampling=Sampling(tool_choice=choice, parallel=choice != "required"))
    assert server.asked[0].get("tool_choice") == sent
    assert server.asked[0].get("parallel_tool_calls") == (False if choice == "required" else None)


def test_a_call_that_must_come_in_text_is_held_to_its_schema(serve):
    server = serve([chunk(content='{"name": "get_weather", "arguments": {"city": "北京"}}'), chunk("stop")])
    model = load_model(server.url, format="hermes")
    reply = collect(model, sampling=Sampling(tool_choice="required"))[-1]
    assert reply.message["tool_calls"][0]["function"]["name"] == "get_weather"
    [asked] = server.asked
    [option] = asked["response_format"]["schema"]["anyOf"]
    assert asked["structured_outputs"]["json"] == asked["response_format"]["schema"]
    assert option["properties"]["name"] == {"const": "get_weather"}
    assert option["properties"]["arguments"]["required"] == ["city"]


@pytest.mark.parametrize("begin", ["", "```json\n"])
def test_a_call_without_tags_is_not_shown_and_json_that_is_none_is(serve, begin):
    end = "\n```" if begin else ""
    call = f'{begin}{{"name": "get_weather", "arguments": {{"city": "北京"}}}}{end}'
    answer = f'{begin}{{"晴": 21}}{end}'
    for text, shown in ((call, ""), (answer, answer)):
        server = serve([*(chunk(content=letter) for letter in text), chunk("stop")])
        for form in ("auto", "hermes", "react"):
            *deltas, reply = collect(load_model(server.url, format=form))
            assert "".join(delta.text for delta in deltas) == shown
            assert ("tool_calls" in reply.message) == (not shown)


def test_a_server_that_stays_overloaded_is_given_up(serve):
    server = serve((503, {"retry-after": "0"}))
    with pytest.raises(UserError, match="503"):
        collect(load_model(server.url))
    assert len(server.asked) == 6


def test_an_endpoint_that_is_down_is_named(serve):
    server = serve(HELLO)
    server.shutdown()
    server.server_close()
    with pytest.raises(UserError, match=server.url):
        collect(load_model(server.url))


@pytest.mark.parametrize("model", ["", "#named"])
def test_an_address_out_of_reach_is_given_up_soon(monkeypatch, model):
    seconds = []

    def unreachable(request):
        seconds.append(request.extensions["timeout"]["connect"])
        raise ConnectTimeout("", request=request)

    monkeypatch.setattr(endpoint, "_connection", lambda: AsyncClient(transport=MockTransport(unreachable)))
    monkeypatch.setattr(endpoint, "_wait", lambda state: 0)
    with pytest.raises(UserError, match=r"10\.0\.0\.9.*ConnectTimeout"):
        collect(load_model(f"http://10.0.0.9/v1{model}"))
    assert seconds == [10, 10, 10]


def test_what_stands_around_a_key_is_left_out(serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", " sk-secret\r\n")
    server = serve(HELLO)
    collect(load_model(server.url))
    assert server.headers[0]["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("model", ["", "#named"])
@pytest.mark.parametrize("key", ["sk-top\nsecret", "sk-绝密"])
def test_a_key_that_cannot_be_sent_is_told_at_once_and_never_quoted(serve, monkeypatch, model, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setattr(endpoint, "_wait", pytest.fail)
    server = serve(HELLO)
    with pytest.raises(UserError, match="a character no header may hold") as caught:
        collect(load_model(server.url + model))
    told = "".join(traceback.format_exception(caught.value))
    assert not any(part in told for part in ("sk-", "secret", "绝密", "\\u"))
    assert server.asked == []


def test_something_that_is_no_such_endpoint_is_named(serve):
    with pytest.raises(UserError, match="hf:PROVIDER/MODEL"):
        load_model("hf:nothing")


@pytest.mark.parametrize(
    "name", ["http://", "https:///v1", "http://:80/v1", "http://#model", "http://a:b/v1", "http://[/"]
)
def test_an_address_without_a_host_is_told_before_anything_is_asked_of_it(name):
    with pytest.raises(UserError, match="no address of an endpoint") as caught:
        load_model(name)
    assert "http://HOST:PORT/v1" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:8000/v1", "https://example.org/v1#some/model", "http://[::1]:80/v1"]
)
def test_an_address_with_a_host_is_one_whether_anything_answers_there_or_not(name):
    assert load_model(name).name == name


def test_a_provider_without_a_token_says_what_it_needs(monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(UserError, match="HF_TOKEN"):
        load_model("hf:together/Qwen/Qwen3-8B")


def test_leaving_the_stream_closes_the_connection(serve):
    server = serve([chunk(content="a"), *([0.05, chunk(content="b")] * 100)])

    async def leave():
        stream = load_model(server.url).stream(ASK, [], Sampling())
        async for item in stream:
            assert item == TextDelta("a")
            break
        await stream.aclose()
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    started = time.monotonic()
    assert asyncio.run(leave()) == []
    assert time.monotonic() - started < 3


def test_an_agent_runs_over_an_endpoint(serve):
    @tool
    def get_weather(city: str) -> str:
        """Look up the weather.

        Args:
            city: The city.
        """
        return f"{city}：晴"

    server = serve([*call_chunks("get_weather", '{"city": "北京"}')], HELLO)
    run = Agent(load_model(server.url), [get_weather]).run(ASK)
    assert [message["role"] for message in run.messages] == ["user", "assistant", "tool", "assistant"]
    assert server.asked[1]["messages"][2]["content"] == "北京：晴"


def test_one_model_serves_one_event_loop_after_the_other(serve):
    model = load_model(serve(HELLO).url)
    for _ in range(2):
        reply = asyncio.run(complete(model, ASK, [], Sampling()))
        assert isinstance(reply, Reply)
