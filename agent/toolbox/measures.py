"""Tools that measure and convert. Families: units, geometry, number_bases, divisors, colors, health, cooking."""

import math
from typing import Any, Literal

from agent.toolbox.reading import read_color, tidy
from agent.tools import Translation, tool

Length = Literal["m", "km", "mi", "ft"]
METERS = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048}
Mass = Literal["g", "kg", "lb", "oz"]
GRAMS = {"g": 1.0, "kg": 1000.0, "lb": 453.59237, "oz": 28.349523125}
Volume = Literal["ml", "l", "gal", "cup"]
MILLILITERS = {"ml": 1.0, "l": 1000.0, "gal": 3785.411784, "cup": 236.5882365}  # US gallon and cup
Temperature = Literal["C", "F", "K"]

_ZH_LENGTH = "m=米，km=公里，mi=英里，ft=英尺"
_ZH_MASS = "g=克，kg=公斤，lb=磅，oz=盎司"
_ZH_VOLUME = "ml=毫升，l=升，gal=加仑，cup=杯"
_ZH_TEMPERATURE = "C=摄氏度，F=华氏度，K=开尔文"


def _zh_units(what: str, table: str) -> Translation:
    parameters = {"value": "数值", "source": f"原单位：{table}", "target": f"目标单位：{table}"}
    return {"description": f"换算{what}", "parameters": parameters}


@tool(family="units", zh=_zh_units("长度", _ZH_LENGTH))
def convert_length(value: float, source: Length, target: Length) -> dict[str, Any]:
    """Convert a length.

    Args:
        value: value
        source: unit to convert from: m=meters, km=kilometers, mi=miles, ft=feet
        target: unit to convert to: m=meters, km=kilometers, mi=miles, ft=feet
    """
    return {"value": tidy(value * METERS[source] / METERS[target]), "unit": target}


@tool(family="units", zh=_zh_units("重量", _ZH_MASS))
def convert_mass(value: float, source: Mass, target: Mass) -> dict[str, Any]:
    """Convert a weight.

    Args:
        value: value
        source: unit to convert from: g=grams, kg=kilograms, lb=pounds, oz=ounces
        target: unit to convert to: g=grams, kg=kilograms, lb=pounds, oz=ounces
    """
    return {"value": tidy(value * GRAMS[source] / GRAMS[target]), "unit": target}


@tool(family="units", zh=_zh_units("体积", _ZH_VOLUME))
def convert_volume(value: float, source: Volume, target: Volume) -> dict[str, Any]:
    """Convert a volume.

    Args:
        value: value
        source: unit to convert from: ml=milliliters, l=liters, gal=gallons, cup=cups
        target: unit to convert to: ml=milliliters, l=liters, gal=gallons, cup=cups
    """
    return {"value": tidy(value * MILLILITERS[source] / MILLILITERS[target]), "unit": target}


@tool(family="units", zh=_zh_units("温度", _ZH_TEMPERATURE))
def convert_temperature(value: float, source: Temperature, target: Temperature) -> dict[str, Any]:
    """Convert a temperature.

    Args:
        value: value
        source: unit to convert from: C=degrees Celsius, F=degrees Fahrenheit, K=kelvin
        target: unit to convert to: C=degrees Celsius, F=degrees Fahrenheit, K=kelvin
    """
    celsius = {"C": value, "F": (value - 32) * 5 / 9, "K": value - 273.15}[source]
    if celsius < -273.15:
        raise ValueError("that is below absolute zero")
    return {"value": tidy({"C": celsius, "F": celsius * 9 / 5 + 32, "K": celsius + 273.15}[target]), "unit": target}


@tool(family="geometry", zh={"description": "计算圆的面积", "parameters": {"radius": "半径"}})
def circle_area(radius: float) -> dict[str, Any]:
    """Compute the area of a circle.

    Args:
        radius: radius
    """
    return {"area": tidy(math.pi * _size(radius) ** 2)}


@tool(family="geometry", zh={"description": "计算长方形的面积和周长", "parameters": {"width": "宽", "height": "高"}})
def rectangle(width: float, height: float) -> dict[str, Any]:
    """Measure a rectangle.

    Args:
        width: width
        height: height
    """
    return {"area": tidy(_size(width) * _size(height)), "perimeter": tidy(2 * (width + height))}


@tool(
    family="geometry",
    zh={"description": "计算直角三角形的斜边", "parameters": {"a": "第一条直角边", "b": "第二条直角边"}},
)
def hypotenuse(a: float, b: float) -> dict[str, Any]:
    """Find the hypotenuse of a right triangle.

    Args:
        a: first leg
        b: second leg
    """
    return {"hypotenuse": tidy(math.hypot(_size(a), _size(b)))}


def _size(value: float) -> float:
    if not 0 < value <= 1e9:
        raise ValueError(f"a length must be above 0 and at most 1e9, not {value}")
    return value


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ROMAN_VALUES = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
_ROMAN_SIGNS = ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I")


@tool(
    family="number_bases", zh={"description": "把十进制数转成别的进制", "parameters": {"number": "数", "base": "进制"}}
)
def to_base(number: int, base: int) -> dict[str, Any]:
    """Write a number in another base.

    Args:
        number: number
        base: base
    """
    if not 2 <= base <= 36:
        raise ValueError("the base must be between 2 and 36")
    if not 0 <= number < 10**18:
        raise ValueError("the number must be between 0 and 10**18")
    digits = ""
    while number or not digits:
        number, rest = divmod(number, base)
        digits = _DIGITS[rest] + digits
    return {"digits": digits}


@tool(family="number_bases", zh={"description": "把数写成罗马数字", "parameters": {"number": "数"}})
def to_roman(number: int) -> dict[str, Any]:
    """Write a number in Roman numerals.

    Args:
        number: number
    """
    if not 1 <= number <= 3999:
        raise ValueError("Roman numerals here go from 1 to 3999")
    digits = ""
    for value, sign in zip(_ROMAN_VALUES, _ROMAN_SIGNS, strict=True):
        digits += sign * (number // value)
        number %= value
    return {"roman": digits}


@tool(family="divisors", zh={"description": "分解质因数", "parameters": {"number": "数"}})
def prime_factors(number: int) -> dict[str, Any]:
    """Split a number into prime factors.

    Args:
        number: number
    """
    if not 2 <= number <= 10**10:
        raise ValueError("the number must be between 2 and 10**10")
    factors, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return {"factors": [*factors, number] if number > 1 else factors}


@tool(family="divisors", zh={"description": "计算最大公约数", "parameters": {"a": "第一个数", "b": "第二个数"}})
def greatest_common_divisor(a: int, b: int) -> dict[str, Any]:
    """Find the greatest common divisor.

    Args:
        a: first number
        b: second number
    """
    return {"divisor": math.gcd(a, b)}


@tool(family="divisors", zh={"description": "计算最小公倍数", "parameters": {"a": "第一个数", "b": "第二个数"}})
def least_common_multiple(a: int, b: int) -> dict[str, Any]:
    """Find the least common multiple.

    Args:
        a: first number
        b: second number
    """
    return {"multiple": math.lcm(a, b)}


@tool(family="colors", zh={"description": "把颜色代码转成红绿蓝数值", "parameters": {"code": "颜色代码"}})
def hex_to_rgb(code: str) -> dict[str, Any]:
    """Turn a colour code into red, green and blue.

    Args:
        code: colour code
    """
    red, green, blue = read_color(code)
    return {"red": red, "green": green, "blue": blue}


@tool(
    family="colors",
    zh={"description": "混合两种颜色", "parameters": {"first": "第一个颜色代码", "second": "第二个颜色代码"}},
)
def mix_colors(first: str, second: str) -> dict[str, Any]:
    """Mix two colours.

    Args:
        first: first colour code
        second: second colour code
    """
    pairs = zip(read_color(first), read_color(second), strict=True)
    return {"color": "#" + "".join(f"{(a + b) // 2:02x}" for a, b in pairs)}


@tool(
    family="health",
    zh={"description": "计算体质指数", "parameters": {"weight": "体重（公斤）", "height": "身高（厘米）"}},
)
def body_mass_index(weight: float, height: float) -> dict[str, Any]:
    """Compute a body mass index.

    Args:
        weight: weight in kg
        height: height in cm
    """
    if weight <= 0 or height <= 0:
        raise ValueError("weight and height must be above 0")
    return {"bmi": round(weight / (height / 100) ** 2, 1)}


@tool(family="health", zh={"description": "计算最大心率", "parameters": {"age": "年龄"}})
def max_heart_rate(age: int) -> dict[str, Any]:
    """Estimate the highest heart rate.

    Args:
        age: age
    """
    if not 1 <= age <= 120:
        raise ValueError("the age must be between 1 and 120")
    return {"beats_per_minute": 220 - age}


@tool(
    family="cooking",
    zh={
        "description": "按份数换算食材用量",
        "parameters": {"ingredient": "食材", "amount": "用量（克）", "servings": "原来的份数", "wanted": "想要的份数"},
    },
)
def scale_ingredient(ingredient: str, amount: float, servings: int, wanted: int) -> dict[str, Any]:
    """Scale an ingredient of a recipe.

    Args:
        ingredient: ingredient
        amount: amount in grams
        servings: servings in the recipe
        wanted: servings wanted
    """
    if servings < 1 or wanted < 1:
        raise ValueError("servings must be at least 1")
    return {"ingredient": ingredient, "grams": tidy(amount * wanted / servings)}


@tool(family="cooking", zh={"description": "估算烤制时间", "parameters": {"food": "食物", "weight": "重量（克）"}})
def roasting_time(food: str, weight: float) -> dict[str, Any]:
    """Estimate a roasting time.

    Args:
        food: food
        weight: weight in grams
    """
    if not 0 < weight <= 50_000:
        raise ValueError("the weight must be above 0 and at most 50000 grams")
    return {"food": food, "minutes": round(20 + weight * 0.04)}
