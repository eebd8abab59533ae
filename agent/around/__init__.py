"""What may stand around the loop, each switched on by itself: planning, distilled results, restated questions.

Comes in: the conversation as it is. Goes out: the conversation as the model is shown it, and plans that the model
writes for itself. Everything here asks the agent's own model, without tools. Knows nothing of execution.
"""
