"""Text formats of tool calls: each a rendering of the one conversation, made at the edge and parsed back there."""
