"""Five tools of a pottery studio, in English and in Chinese: somebody's own, like nothing that callsmith has."""

from typing import Literal

from agent.tools import tool


@tool(
    family="firing",
    zh={
        "description": "预约一次窑炉烧制。",
        "parameters": {
            "piece": "作品名称",
            "temperature": "烧制温度（摄氏度）",
            "firing_date": "烧制日期，格式YYYY-MM-DD",
        },
    },
)
def book_firing(piece: str, temperature: int, firing_date: str) -> dict:
    """Book a firing in the kiln for a piece.

    Args:
        piece: Name of the piece.
        temperature: Firing temperature in degrees Celsius.
        firing_date: Day of the firing, YYYY-MM-DD.
    """
    return {"piece": piece, "slot": f"K{len(piece) * 7 % 90 + 10}", "temperature": temperature}


@tool(
    family="glaze",
    zh={
        "description": "计算一批釉料需要的水量。",
        "parameters": {"powder": "釉粉重量（克）", "method": "上釉方式：dip=浸釉，spray=喷釉，brush=刷釉"},
    },
)
def glaze_water(powder: float, method: Literal["dip", "spray", "brush"] = "dip") -> dict:
    """Say how much water a batch of glaze needs.

    Args:
        powder: Weight of the glaze powder in grams.
        method: Way of glazing: dip=dipping, spray=spraying, brush=brushing.
    """
    return {"water_ml": round(powder * {"dip": 0.9, "spray": 1.1}.get(method, 0.7), 1)}


@tool(
    family="clay",
    zh={
        "description": "订购陶土送到工作室。",
        "parameters": {"kind": "陶土品种", "bags": "袋数", "phone": "收货人电话"},
    },
)
def order_clay(kind: str, bags: int, phone: str) -> dict:
    """Order clay to the studio.

    Args:
        kind: Kind of clay.
        bags: Number of bags.
        phone: Telephone of who takes the delivery.
    """
    return {"order": f"C{bags * 31 + len(kind)}", "bags": bags}


@tool(family="shelf", zh={"description": "查询学员的作品放在哪个架子上。", "parameters": {"student": "学员姓名"}})
def find_shelf(student: str) -> dict:
    """Find the shelf on which a student's work stands.

    Args:
        student: The student's name.
    """
    return {"student": student, "shelf": len(student) * 5 % 40 + 1}


@tool(
    family="shrinkage",
    zh={
        "description": "估算坯体烧成后的尺寸。",
        "parameters": {"height": "坯体高度（厘米）", "rate": "收缩率（百分比）"},
    },
)
def fired_size(height: float, rate: float) -> dict:
    """Estimate the size of a raw pot after it was fired.

    Args:
        height: Height of the raw pot in centimetres.
        rate: Shrinkage in percent.
    """
    return {"height_cm": round(height * (1 - rate / 100), 2)}
