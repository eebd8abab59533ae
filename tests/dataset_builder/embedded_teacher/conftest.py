"""One run of the teacher over the embedded tools, shared by the tests."""

import asyncio

import pytest

from agent.toolbox import all_tools
from dataset_builder.embedded_teacher import Conversation, EmbeddedTeacher, Question

SOLVED = 1200


@pytest.fixture(scope="session")
def teacher() -> EmbeddedTeacher:
    return EmbeddedTeacher(all_tools(), seed=20)


@pytest.fixture(scope="session")
def questions(teacher: EmbeddedTeacher) -> list[Question]:
    return list(teacher.questions(3000))


@pytest.fixture(scope="session")
def solved(teacher: EmbeddedTeacher, questions: list[Question]) -> list[tuple[Question, Conversation]]:
    async def solve() -> list[Conversation]:
        return [await teacher.solve_async(question) for question in questions[:SOLVED]]

    return list(zip(questions, asyncio.run(solve()), strict=False))
