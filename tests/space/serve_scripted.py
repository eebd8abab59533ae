"""Serves the Space with the scripted model: `python serve_scripted.py PORT FEEDBACK_DIR GATE [CONCURRENCY PATIENCE]`.

Letters that were posted leave their line in the file `outbox` beside GATE.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from scripted_model import OUTBOX, TOOLS, ScriptedModel, post_letter

from space.app import build, launch
from space.feedback import Feedback
from space.page import Page

if __name__ == "__main__":
    questions = ["北京今天天气怎么样？", "12 加 30 等于多少？", "What is the weather in Paris?", "Tell me a story"]
    gate = Path(sys.argv[3])
    OUTBOX.append(gate.with_name("outbox"))
    concurrency, patience = sys.argv[4:] or ("4", "120")
    tools = [*TOOLS, post_letter]
    page = Page(ScriptedModel(gate), tools, Feedback(sys.argv[2]), questions, patience=float(patience))
    launch(build(page, concurrency=int(concurrency)), host="127.0.0.1", port=int(sys.argv[1]))
