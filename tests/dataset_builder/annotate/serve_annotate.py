"""Serves the annotation page with the scripted model: `python serve_annotate.py PORT FILE`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "space"))

from scripted_model import TOOLS, ScriptedModel

from dataset_builder.annotate.app import build, launch
from dataset_builder.annotate.desk import Desk
from dataset_builder.annotate.page import Page

if __name__ == "__main__":
    launch(build(Page(Desk(sys.argv[2]), ScriptedModel(), TOOLS)), host="127.0.0.1", port=int(sys.argv[1]))
