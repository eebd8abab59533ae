"""The words of the ReAct format in English and Chinese: its keywords, its instruction, how a tool is listed.

The English instruction is the one that Qwen published for its first chat models and that many data sets still carry.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One language's words. Keywords carry their colon; a blank after it belongs to the whitespace."""

    question: str
    thought: str
    action: str
    action_input: str
    observation: str
    answer: str
    blank: str  # between a keyword and its text
    before_tools: str
    tool: str  # filled in with name, description, parameters
    after_tools: str  # filled in with names
    begin: str


ENGLISH = Words(
    question="Question:",
    thought="Thought:",
    action="Action:",
    action_input="Action Input:",
    observation="Observation:",
    answer="Final Answer:",
    blank=" ",
    before_tools="Answer the following questions as best you can. You have access to the following tools:\n\n",
    tool="{name}: {description} Parameters: {parameters} Format the arguments as a JSON object.",
    after_tools=(
        "\n\nUse the following format:\n\n"
        "Question: the input question you must answer\n"
        "Thought: you should always think about what to do\n"
        "Action: the action to take, should be one of [{names}]\n"
        "Action Input: the input to the action\n"
        "Observation: the result of the action\n"
        "... (this Thought/Action/Action Input/Observation can be repeated zero or more times)\n"
        "Thought: I now know the final answer\n"
        "Final Answer: the final answer to the original input question\n\n"
    ),
    begin="Begin!\n\n",
)

CHINESE = Words(
    question="问题：",
    thought="思考：",
    action="行动：",
    action_input="行动输入：",
    observation="观察：",
    answer="最终答案：",
    blank="",
    before_tools="请尽你所能回答下面的问题。你可以使用以下工具：\n\n",
    tool="{name}：{description} 参数：{parameters} 请以 JSON 对象的形式给出参数。",
    after_tools=(
        "\n\n请使用以下格式：\n\n"
        "问题：你必须回答的问题\n"
        "思考：你应该一直思考该做什么\n"
        "行动：要采取的行动，必须是 [{names}] 之一\n"
        "行动输入：行动的输入\n"
        "观察：行动的结果\n"
        "……（思考/行动/行动输入/观察可以重复零次或多次）\n"
        "思考：我现在知道最终答案了\n"
        "最终答案：对原问题的最终回答\n\n"
    ),
    begin="开始！\n\n",
)

WORDS = {"en": ENGLISH, "zh": CHINESE}
