"""Tools: typed functions and JSON schemas that a model may call.

`@tool` makes one from a function, `load_tools` finds them in a file or module, `Tool.call` runs one and never raises
for what the tool did, `validate_arguments` checks what a model wrote. Knows nothing of models and conversations.
"""

from agent.tools.loading import load_tools
from agent.tools.tool import Tool, ToolResult, Translation, tool
from agent.tools.validation import validate_arguments

__all__ = ["Tool", "ToolResult", "Translation", "load_tools", "tool", "validate_arguments"]
