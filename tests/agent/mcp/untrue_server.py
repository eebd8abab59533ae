"""An MCP server of the older kind, over HTTP, for what ours never does: it forgets its sessions when it is told to, and
does not keep to its own schemas.
"""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POINT = {"type": "object", "properties": {"x": {"type": "number"}}}
OLD_TUPLE = {
    "type": "object",
    "properties": {"line": {"type": "array", "items": [POINT, {"$ref": "#/properties/line/items/0"}]}},
}
NUMBER = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
TOOLS = [
    {"name": "count", "inputSchema": {"type": "object"}},
    {"name": "draw", "inputSchema": OLD_TUPLE},
    {"name": "untrue", "inputSchema": {"type": "object"}, "outputSchema": NUMBER},
    {"name": "unreadable", "inputSchema": {"type": "object"}},
]


class Untrue:
    """`calls` are counted for each session; `forget` ends all of them, in the words and the code of `refusal`."""

    def __init__(self):
        self.calls = {}
        self.opened = 0
        self.url = ""
        self.refusal = {"code": -32600, "message": "Session not found"}

    def forget(self):
        self.calls.clear()

    def answer(self, method, params, session):
        if method == "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "untrue", "version": "1"},
            }
        if method == "tools/list":
            return {"tools": TOOLS}
        self.calls[session] += 1
        if params["name"] == "unreadable":
            return {"content": "no list"}
        return {"content": [{"type": "text", "text": str(self.calls[session])}]}


@contextlib.contextmanager
def serving():
    untrue = Untrue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method, session = asked["method"], self.headers.get("Mcp-Session-Id", "")
            if "id" not in asked:
                return self.reply(202)
            if method == "initialize":
                untrue.opened += 1
                session = f"session-{untrue.opened}"
                untrue.calls[session] = 0
            elif method not in ("tools/list", "tools/call"):
                return self.reply(200, asked["id"], error={"code": -32601, "message": "no such method"})
            elif session not in untrue.calls:
                return self.reply(404, None, error=untrue.refusal)
            return self.reply(200, asked["id"], session, result=untrue.answer(method, asked.get("params"), session))

        def do_GET(self):
            self.reply(405)

        def reply(self, status, number=None, session="", **said):
            body = json.dumps({"jsonrpc": "2.0", "id": number, **said}) if said else ""
            self.send_response(status)
            if session:
                self.send_header("Mcp-Session-Id", session)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *parts):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    untrue.url = f"http://127.0.0.1:{server.server_address[1]}/mcp"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield untrue
    finally:
        server.shutdown()
        server.server_close()
