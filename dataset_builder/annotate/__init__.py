"""The page for people: conversations read, edited, run again, accepted or rejected, every action saved at once."""
