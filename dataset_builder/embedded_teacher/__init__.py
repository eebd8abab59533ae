"""The embedded teacher: conversations about any tools by a seeded grammar, the tools really executed, no model needed.

`EmbeddedTeacher(tools, seed=0).questions(1000)` yields questions, `.solve(question)` makes conversations of them.
Which families, sentences and words are held out is in split.py.
"""

from dataset_builder.embedded_teacher.question import DEFAULT_MIX, Conversation, Plan, PlannedCall, Question, Scenario
from dataset_builder.embedded_teacher.split import Side, family_sides, side_of_text
from dataset_builder.embedded_teacher.teacher import EmbeddedTeacher

__all__ = [
    "DEFAULT_MIX",
    "Conversation",
    "EmbeddedTeacher",
    "Plan",
    "PlannedCall",
    "Question",
    "Scenario",
    "Side",
    "family_sides",
    "side_of_text",
]
