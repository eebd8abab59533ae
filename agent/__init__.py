"""What runs a conversation: messages, tools, formats, models and the loop. Imports none of the other folders."""
