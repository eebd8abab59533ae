"""An OpenAI-compatible server on loopback for tests: it thinks up questions, judges, and solves with tool calls.

It reads what it is asked as a model would (from the prompt), answers by rules, streams, and can be told to misbehave:
`faults` maps the number of a request (from 1) to "429", "400", "401", "500", "garbage", "cut" or "stall" (the body
begins and does not go on); with `trickle`, bodies come so many bytes at a time; with `room`, more requests at once than
that are refused; refusals carry `retry_after`. `asked` holds every request body that was answered in full, `arrivals`
when each came, `most_at_once` how many were worked on.
"""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
import zlib

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

CITIES = {
    "en": ["Paris", "Tokyo", "Cairo", "Lima", "Oslo", "Quito", "Perth", "Delhi", "Accra", "Milan", "Seoul", "Boston"],
    "zh": ["北京", "上海", "广州", "成都", "西安", "杭州", "南京", "武汉", "大连", "厦门", "昆明", "苏州"],
}
TOPICS = {
    "get_weather": {"en": "weather", "zh": "天气"},
    "population": {"en": "population", "zh": "人口"},
    "local_time": {"en": "local time", "zh": "当地时间"},
    "sister_city": {"en": "sister city", "zh": "姐妹城市"},
}
SISTERS = {"en": "Zürich", "zh": "苏黎世"}
SAID = {
    "single_call": {"en": "What is the {topic} in {a}, visit {n}?", "zh": "请问{a}的{topic}是多少，第{n}次问？"},
    "parallel_calls": {"en": "Tell me the {topic} of {a} and of {b}, {n}.", "zh": "告诉我{a}和{b}的{topic}，编号{n}。"},
    "no_suitable_tool": {"en": "Order pizza number {n} for me.", "zh": "帮我订第{n}号披萨。"},
    "missing_parameter": {"en": "What is the {topic} there, question {n}?", "zh": "那里的{topic}是多少，问题{n}？"},
    "chat": {"en": "Hello, I am guest {n}.", "zh": "你好，我是{n}号客人。"},
    "sequential_calls": {"en": "{n}: the {topic} of the sister city of {a}?", "zh": "{n}：{a}的姐妹城市的{topic}？"},
    "multi_turn": {"en": "First the {topic} of {a}, trip {n}.", "zh": "先说{a}的{topic}，行程{n}。"},
    "tool_recovery": {"en": "I need the {topic} of {a} now, case {n}!", "zh": "急需{a}的{topic}，事项{n}！"},
    "distractors": {"en": "Only the {topic} of {a}, note {n}.", "zh": "只要{a}的{topic}，备注{n}。"},
}
MARKS = {
    "sequential_calls": ("one after the other", "先后调用两个工具"),
    "multi_turn": ("begin a longer conversation", "较长对话的开头"),
    "tool_recovery": ("try again when the call fails", "调用失败时应当重试"),
    "distractors": ("seem right at first sight", "乍看之下"),
    "no_suitable_tool": ("none of these tools can serve, although", "没有任何一个工具能够完成。\n"),
    "missing_parameter": ("forgets to say", "漏说了"),
    "chat": ("need no tool, no live", "无需任何工具、实时"),
    "parallel_calls": ("two calls of the tool", "发起两次调用"),
    "single_call": ("exactly once", "必须且只需调用一次"),
}


class LLMServer:
    """A context manager; `url` is its address."""

    def __init__(self, faults=None, delay=0.0, room=None, retry_after=0.05, trickle=0):
        self.faults = faults or {}
        self.delay = delay
        self.room = room
        self.trickle = trickle
        self.retry_after = {"retry-after": str(retry_after)}
        self.arrivals = []
        self.at_once = self.most_at_once = 0
        self.requests = 0
        self.asked = []
        self._lock = threading.Lock()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        app = Starlette(
            routes=[
                Route("/v1/models", lambda request: JSONResponse({"data": [{"id": "rules"}]})),
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
            ]
        )
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(timeout=10)

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        with self._lock:
            self.requests += 1
            self.arrivals.append(time.monotonic())
            fault = self.faults.get(self.requests)
            if self.room is not None and self.at_once >= self.room:
                fault = "429"
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.delay and not (self.room and fault == "429"):
                await asyncio.sleep(self.delay)
        finally:
            self.at_once -= 1
        if fault == "429":
            return JSONResponse({"error": {"message": "slow down"}}, 429, self.retry_after)
        if fault == "400":
            return JSONResponse({"error": {"message": "Content Exists Risk"}}, 400)
        if fault == "401":
            return JSONResponse({"error": {"message": "who are you?"}}, 401)
        if fault == "500":
            return JSONResponse({"error": {"message": "broken"}}, 500, self.retry_after)
        if fault == "garbage":
            return StreamingResponse(self._chunks({"content": "%%#"}, cut=False), media_type="text/event-stream")
        message = self.reply(body)
        if fault not in ("cut", "stall"):
            self.asked.append(body)
        chunks = self._chunks(message, cut=fault == "cut")
        if fault == "stall" or self.trickle:
            chunks = self._slowly("".join(chunks).encode(), stall=fault == "stall")
        return StreamingResponse(chunks, media_type="text/event-stream")

    async def _slowly(self, body, stall):
        """A few bytes at a time, in the middle of a character too; or the first half, and then nothing."""
        size = self.trickle or len(body)
        end = len(body) // 2 if stall else len(body)
        for at in range(0, end, size):
            yield body[at : min(at + size, end)]
            await asyncio.sleep(0)
        while stall:  # until the client goes away
            await asyncio.sleep(0.05)

    def _chunks(self, message, cut):
        base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "rules"}
        content = message.get("content") or ""
        half = len(content) // 2 + 1
        pieces = [{"role": "assistant", "content": content[:half]}, {"content": content[half:]}]
        if message.get("tool_calls"):
            pieces.append({"tool_calls": message["tool_calls"]})
        for number, delta in enumerate(pieces):
            if cut and number == 1:
                raise ConnectionResetError("the test cuts this stream")
            yield f"data: {json.dumps({**base, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n"
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        yield f"data: {json.dumps({**base, 'choices': [{'index': 0, 'delta': {}, 'finish_reason': reason}]})}\n\n"
        yield f"data: {json.dumps({**base, 'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"

    # --- what the "model" knows ------------------------------------------------------------------------------

    def reply(self, body):
        messages, tools = body["messages"], body.get("tools") or []
        text = messages[-1]["content"]
        if messages[0]["role"] == "system":
            return self._solve(messages, tools)
        if "JSON list" in text or "JSON 列表" in text:
            return {"content": self._questions(text)}
        if "You play the user" in text or "扮演用户" in text:
            return {"content": self._user(text)}
        bad = "number 13" in text or "13号" in text
        chinese = "用户说" in text
        verdicts = ("是。很清楚。", "否。太不吉利。") if chinese else ("Yes. It is clear.", "No. Unlucky.")
        return {"content": verdicts[bad]}

    def _questions(self, text):
        lang = "zh" if "用户身份" in text else "en"
        scenario = next(name for name, marks in MARKS.items() if any(mark in text for mark in marks))
        target = re.search(r"(?:the tool|工具)\s+(\w+)", text)
        topic = topic_of(target[1] if target else "none", lang)
        made = []
        for _ in range(4):
            # What comes follows from what is asked, so that another run of the same kind gets the same answers.
            seed = zlib.crc32(f"{text} {len(made)}".encode())
            cities = CITIES[lang]
            a, b = cities[seed % len(cities)], cities[(seed + 5) % len(cities)]
            made.append(SAID[scenario][lang].format(topic=topic, a=a, b=b, n=seed % 997))
        return "```json\n" + json.dumps(made, ensure_ascii=False) + "\n```"

    def _user(self, text):
        lang = "zh" if "扮演用户" in text else "en"
        city = CITIES[lang][zlib.crc32(text.encode()) % len(CITIES[lang])]
        if "has asked for" in text or "在询问" in text:
            return {"en": f"In {city}.", "zh": f"{city}。"}[lang]
        said = text.rpartition("user: ")[2]
        topic = next(topic[lang] for topic in TOPICS.values() if topic[lang] in said)
        return {"en": f"And the {topic} of {city}?", "zh": f"那么{city}的{topic}呢？"}[lang]

    def _solve(self, messages, tools):
        last = max(place for place, message in enumerate(messages) if message["role"] == "user")
        results = [message["content"] for message in messages[last:] if message["role"] == "tool"]
        users = [message["content"] for message in messages if message["role"] == "user"]
        text = users[-1]
        lang = "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"
        cities = [city for city in CITIES[lang] if city in text]
        names = [tool["function"]["name"] for tool in tools]
        # What is asked for stands in the last thing a user said, or in an earlier one.
        wanted = next(filter(None, ([n for n in names if topic_of(n, lang) in said] for said in reversed(users))), [])
        if messages[-1]["role"] == "tool":
            if messages[-1]["content"].startswith(("Error", "错误")):
                return {"content": "", "tool_calls": messages[-2]["tool_calls"]}
            beyond = [name for name in wanted if name != "sister_city"]
            if "sister_city" in wanted and beyond and len(results) == 1:
                return calls(beyond[0], [SISTERS[lang]])
            return {"content": "; ".join(result for result in results if not result.startswith(("Error", "错误")))}
        if wanted and cities:
            return calls("sister_city" if "sister_city" in wanted else wanted[0], cities)
        if wanted:
            return {"content": {"zh": "请问是哪座城市？", "en": "Which city do you mean?"}[lang]}
        return {"content": {"zh": "抱歉，我做不到这件事。", "en": "I am sorry, I cannot do that."}[lang]}


def calls(name, cities):
    """Calls of one tool, as an endpoint sends them."""
    return {
        "content": "",
        "tool_calls": [
            {
                "index": place,
                "id": f"call_{place}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps({"city": city})},
            }
            for place, city in enumerate(cities)
        ],
    }


def topic_of(tool, lang):
    return TOPICS.get(tool, {"en": "none", "zh": "无"})[lang]


@contextlib.contextmanager
def closed_port():
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}/v1"
