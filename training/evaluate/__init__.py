"""Base against adapter on held-out rows: what is asked, how a reply is judged, and what is said about it.

Reads conversations, writes counts with their intervals. Knows nothing of training.
"""
