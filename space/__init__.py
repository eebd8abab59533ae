"""What people open in a browser: the demo. Stands on `agent`."""
