"""Tools that compute with money and numbers. Families: calculator, finance, currency, statistics.

Nothing is remembered, nothing is looked up outside this file; the currency table is fixed and says so.
"""

import ast
import math
import operator
import re
import statistics as stats
from collections.abc import Callable
from typing import Any, Literal

from agent.toolbox.reading import tidy
from agent.tools import tool

MAX_EXPRESSION = 200  # characters
MAX_DIGITS = 30  # of any value on the way
MAX_NUMBERS = 1000
# No remainder is meant where an operator follows, or nothing: not even before a sign, where it could be.
_PERCENT = re.compile(r"%\s*(?:[+\-*/)]|\Z)")
# As they are said; the longer word first.
_SPOKEN = (
    ("divided by", "/"), ("multiplied by", "*"), ("plus", "+"), ("minus", "-"), ("times", "*"),
    ("加上", "+"), ("减去", "-"), ("乘以", "*"), ("除以", "/"), ("加", "+"), ("减", "-"), ("乘", "*"),
)  # fmt: skip
_NOISE = 1e-14  # of the largest term: what a sum of floats leaves over where it should be 0

_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


@tool(family="calculator", zh={"description": "计算算式", "parameters": {"expression": "算式"}})
def calculate(expression: str) -> dict[str, Any]:
    """Work out an expression.

    Args:
        expression: expression
    """
    text = expression.translate(str.maketrans("×÷（）＋－−％", "*/()+--%")).replace("^", "**")
    for word, sign in _SPOKEN:
        text = re.sub(word, sign, text, flags=re.IGNORECASE)
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"an expression may have at most {MAX_EXPRESSION} characters")
    if _PERCENT.search(text):
        raise ValueError(f"{expression!r} is not an expression: write a percentage as 20/100")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"{expression!r} is not an expression") from error
    return {"result": tidy(_value(tree.body)[0], digits=6, noise=0)}


def _value(node: ast.AST) -> tuple[float, float]:
    """The value, and the size of the largest term that was added or taken off on the way to it."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _alone(node.value)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATIONS:
        value, size = _value(node.operand)
        return _bounded(_OPERATIONS[type(node.op)](value)), size
    if isinstance(node, ast.BinOp):
        (left, left_size), (right, right_size) = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            if abs(right) > 64:
                raise ValueError("an exponent may be at most 64")
            try:
                return _alone(left**right)
            except (ZeroDivisionError, OverflowError) as error:
                raise ValueError(f"{left} to the power of {right} is no number to count with") from error
        if isinstance(node.op, ast.Add | ast.Sub):
            return _sum(_OPERATIONS[type(node.op)](left, right), max(left_size, right_size))
        if type(node.op) in _OPERATIONS:
            if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and right == 0:
                raise ValueError("division by zero")
            return _alone(_OPERATIONS[type(node.op)](left, right))
    raise ValueError("only numbers, + - * / // % ** and brackets are allowed")


def _alone(value: Any) -> tuple[float, float]:
    return _bounded(value), abs(value)


def _sum(value: Any, size: float) -> tuple[float, float]:
    """A sum; 0 where only what floats leave over is left of its terms: 0.1+0.2-0.3 is no 5.55e-17."""
    left_over = isinstance(value, float) and abs(value) < _NOISE * size
    return 0 if left_over else _bounded(value), size


def _bounded(value: Any) -> float:
    if isinstance(value, complex) or abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"a value on the way has more than {MAX_DIGITS} digits or is not real")
    return value


@tool(
    family="calculator", zh={"description": "计算一个数的百分之几", "parameters": {"percent": "百分比", "number": "数"}}
)
def percent_of(percent: float, number: float) -> dict[str, Any]:
    """Take a percentage of a number.

    Args:
        percent: percentage
        number: number
    """
    return {"result": tidy(percent * number / 100)}


@tool(
    family="calculator",
    zh={"description": "分摊账单", "parameters": {"total": "总金额", "people": "人数", "tip": "小费百分比"}},
)
def split_bill(total: float, people: int, tip: float = 0) -> dict[str, Any]:
    """Split a bill.

    Args:
        total: total amount
        people: number of people
        tip: tip in percent
    """
    if people < 1:
        raise ValueError("at least one person must pay")
    return {"per_person": tidy(total * (1 + tip / 100) / people)}


@tool(
    family="finance",
    zh={"description": "计算复利", "parameters": {"principal": "本金", "rate": "年利率", "years": "年数"}},
)
def compound_interest(principal: float, rate: float, years: int) -> dict[str, Any]:
    """Compute compound interest.

    Args:
        principal: principal
        rate: yearly rate in percent
        years: number of years
    """
    if not 0 <= years <= 200:
        raise ValueError("the number of years must be between 0 and 200")
    final = principal * (1 + rate / 100) ** years
    return {"final_amount": tidy(final), "interest": tidy(final - principal)}


@tool(
    family="finance",
    zh={"description": "计算贷款月供", "parameters": {"amount": "贷款金额", "rate": "年利率", "months": "月数"}},
)
def loan_payment(amount: float, rate: float, months: int) -> dict[str, Any]:
    """Compute the monthly payment of a loan.

    Args:
        amount: loan amount
        rate: yearly rate in percent
        months: number of months
    """
    if not 1 <= months <= 1200:
        raise ValueError("the number of months must be between 1 and 1200")
    monthly = rate / 1200
    payment = amount / months if monthly == 0 else amount * monthly / (1 - (1 + monthly) ** -months)
    return {"monthly_payment": tidy(payment)}


# Units of each currency for 100 US dollars: a fixed table for demonstration, not today's rates.
RATES = {"USD": 100.0, "EUR": 92.0, "CNY": 720.0, "JPY": 15000.0, "GBP": 79.0, "KRW": 135000.0}
Currency = Literal["USD", "EUR", "CNY", "JPY", "GBP", "KRW"]
_EN_CURRENCIES = "USD=US dollars, EUR=euros, CNY=yuan, JPY=yen, GBP=pounds, KRW=won"
_ZH_CURRENCIES = "USD=美元，EUR=欧元，CNY=人民币，JPY=日元，GBP=英镑，KRW=韩元"


@tool(
    family="currency",
    zh={
        "description": "换算货币（固定汇率表）",
        "parameters": {
            "amount": "金额",
            "source": f"原货币：{_ZH_CURRENCIES}",
            "target": f"目标货币：{_ZH_CURRENCIES}",
        },
    },
)
def convert_currency(amount: float, source: Currency, target: Currency) -> dict[str, Any]:
    """Convert money (by a fixed table).

    Args:
        amount: amount
        source: currency to convert from: USD=US dollars, EUR=euros, CNY=yuan, JPY=yen, GBP=pounds, KRW=won
        target: currency to convert to: USD=US dollars, EUR=euros, CNY=yuan, JPY=yen, GBP=pounds, KRW=won
    """
    return {"amount": tidy(amount * RATES[target] / RATES[source]), "currency": target}


@tool(family="statistics", zh={"description": "计算平均数", "parameters": {"numbers": "一组数"}})
def mean(numbers: list[float]) -> dict[str, Any]:
    """Take the mean of numbers.

    Args:
        numbers: list of numbers
    """
    return {"mean": tidy(stats.fmean(_some(numbers)))}


@tool(family="statistics", zh={"description": "计算中位数", "parameters": {"numbers": "一组数"}})
def median(numbers: list[float]) -> dict[str, Any]:
    """Find the median of numbers.

    Args:
        numbers: list of numbers
    """
    return {"median": tidy(stats.median(_some(numbers)))}


@tool(
    family="statistics",
    zh={"description": "给数排序", "parameters": {"numbers": "一组数", "order": "顺序：up=从小到大，down=从大到小"}},
)
def sort_numbers(numbers: list[float], order: Literal["up", "down"] = "up") -> dict[str, Any]:
    """Sort numbers.

    Args:
        numbers: list of numbers
        order: order: up=ascending, down=descending
    """
    # As they were given: sorted, they are still the same numbers.
    return {"sorted": [int(one) if one == int(one) else one for one in sorted(_some(numbers), reverse=order == "down")]}


@tool(family="statistics", zh={"description": "计算标准差", "parameters": {"numbers": "一组数"}})
def standard_deviation(numbers: list[float]) -> dict[str, Any]:
    """Compute the standard deviation of numbers.

    Args:
        numbers: list of numbers
    """
    return {"deviation": tidy(math.sqrt(stats.pvariance(_some(numbers))))}


def _some(numbers: list[float]) -> list[float]:
    if not 1 <= len(numbers) <= MAX_NUMBERS:
        raise ValueError(f"between 1 and {MAX_NUMBERS} numbers are needed, not {len(numbers)}")
    return numbers
