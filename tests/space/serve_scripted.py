"""Serves the Space with the scripted model for the browser tests: `python serve_scripted.py PORT FEEDBACK_DIR GATE`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from scripted_model import TOOLS, ScriptedModel

from space.app import build, launch
from space.feedback import Feedback
from space.page import Page

if __name__ == "__main__":
    questions = ["北京今天天气怎么样？", "12 加 30 等于多少？", "What is the weather in Paris?", "Tell me a story"]
    page = Page(ScriptedModel(Path(sys.argv[3])), TOOLS, Feedback(sys.argv[2]), questions)
    launch(build(page, concurrency=4), host="127.0.0.1", port=int(sys.argv[1]))
