"""A user's file of tools, offered by `callsmith mcp` in the tests; its schema is written out, so it loads at once."""

from agent.tools import Tool

print("loading prints something")

double = Tool(
    lambda number: number * 2,
    schema={
        "type": "function",
        "function": {
            "name": "double",
            "description": "Double a number.",
            "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
        },
    },
    zh={"description": "加倍。"},
)
