"""The Model Context Protocol, both ways: tools of other programs used here, and tools of ours offered to them.

`load_tools("mcp:COMMAND …")` and `load_tools("mcp:http://…")` use `agent.mcp.client`; `callsmith mcp` is
`agent.mcp.command`. Needs the extra `mcp`.
"""
