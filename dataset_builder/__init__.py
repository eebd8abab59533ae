"""What makes conversations: generate, check, solve, annotate, publish. Stands on `agent`."""
