"""Tools that keep a person's own things, in the session's world.

Families: notes, todo, calendar, contacts, timers, store, glossary, expenses, fitness.
"""

from typing import Any, Literal

from agent.toolbox.reading import read_date, read_time, tidy
from agent.toolbox.world import world, world_tool


@world_tool(
    family="notes", side_effects=True, zh={"description": "添加笔记", "parameters": {"text": "笔记内容", "tag": "标签"}}
)
def add_note(text: str, tag: str | None = None) -> dict[str, Any]:
    """Add a note.

    Args:
        text: note text
        tag: tag
    """
    number = 1 + max((note["id"] for note in world().table("notes")), default=0)  # some may have been deleted
    note = world().add("notes", id=number, text=text, tag=tag)
    return {"note_id": note["id"], "text": text}


@world_tool(family="notes", zh={"description": "搜索笔记", "parameters": {"word": "关键词"}})
def search_notes(word: str) -> dict[str, Any]:
    """Search the notes.

    Args:
        word: keyword
    """
    found = [note["text"] for note in world().table("notes") if word.casefold() in note["text"].casefold()]
    if not found:
        raise ValueError(f"no note mentions {word}")
    return {"found": len(found), "notes": found[:5]}


@world_tool(family="notes", side_effects=True, zh={"description": "删除笔记", "parameters": {"note_id": "笔记编号"}})
def delete_note(note_id: int) -> dict[str, Any]:
    """Delete a note.

    Args:
        note_id: note number
    """
    note = world().first("notes", id=note_id)
    world().table("notes").remove(note)
    return {"deleted": note_id, "text": note["text"]}


@world_tool(
    family="todo",
    side_effects=True,
    zh={
        "description": "添加待办事项",
        "parameters": {"task": "事项", "priority": "优先级：high=高，normal=普通，low=低"},
    },
)
def add_task(task: str, priority: Literal["high", "normal", "low"] = "normal") -> dict[str, Any]:
    """Add a task to the to-do list.

    Args:
        task: task
        priority: priority
    """
    world().add("tasks", task=task, priority=priority)
    return {"task": task, "open_tasks": len(world().table("tasks"))}


@world_tool(family="todo", side_effects=True, zh={"description": "把待办事项标为完成", "parameters": {"task": "事项"}})
def complete_task(task: str) -> dict[str, Any]:
    """Mark a task as done.

    Args:
        task: task
    """
    world().table("tasks").remove(world().first("tasks", task=task))
    return {"done": task, "open_tasks": len(world().table("tasks"))}


@world_tool(family="todo", zh={"description": "列出待办事项"})
def list_tasks() -> dict[str, Any]:
    """List the open tasks."""
    return {"tasks": [record["task"] for record in world().table("tasks")][:20]}


@world_tool(
    family="calendar",
    side_effects=True,
    zh={"description": "添加日程", "parameters": {"title": "标题", "date": "日期", "time": "时间"}},
)
def add_event(title: str, date: str, time: str | None = None) -> dict[str, Any]:
    """Add an event to the calendar.

    Args:
        title: title
        date: date
        time: time
    """
    day = read_date(date).isoformat()
    if time:
        read_time(time)
    world().add("events", title=title, date=day, time=time)
    return {"title": title, "date": day} | ({"time": time} if time else {})


@world_tool(family="calendar", zh={"description": "查看某天的日程", "parameters": {"date": "日期"}})
def list_events(date: str) -> dict[str, Any]:
    """Show the events of a day.

    Args:
        date: date
    """
    day = read_date(date).isoformat()
    return {"date": day, "events": [event["title"] for event in world().find("events", date=day)]}


@world_tool(family="calendar", side_effects=True, zh={"description": "取消日程", "parameters": {"title": "标题"}})
def cancel_event(title: str) -> dict[str, Any]:
    """Cancel an event.

    Args:
        title: title
    """
    event = world().first("events", title=title)
    world().table("events").remove(event)
    return {"cancelled": title, "date": event["date"]}


@world_tool(
    family="contacts",
    side_effects=True,
    zh={"description": "添加联系人", "parameters": {"name": "姓名", "phone": "电话", "email": "邮箱"}},
)
def add_contact(name: str, phone: str, email: str | None = None) -> dict[str, Any]:
    """Save a contact.

    Args:
        name: name
        phone: phone number
        email: e-mail address
    """
    world().add("contacts", name=name, phone=phone, email=email)
    return {"name": name, "phone": phone} | ({"email": email} if email else {})


@world_tool(family="contacts", zh={"description": "查找联系人", "parameters": {"name": "姓名"}})
def find_contact(name: str) -> dict[str, Any]:
    """Look up a contact.

    Args:
        name: name
    """
    contact = world().first("contacts", name=name)
    return {"name": contact["name"], "phone": contact["phone"]}


@world_tool(family="contacts", side_effects=True, zh={"description": "删除联系人", "parameters": {"name": "姓名"}})
def delete_contact(name: str) -> dict[str, Any]:
    """Delete a contact.

    Args:
        name: name
    """
    contact = world().first("contacts", name=name)
    world().table("contacts").remove(contact)
    return {"deleted": contact["name"]}


@world_tool(
    family="timers",
    side_effects=True,
    zh={"description": "设置倒计时", "parameters": {"minutes": "分钟数", "label": "名称"}},
)
def set_timer(minutes: int, label: str | None = None) -> dict[str, Any]:
    """Start a timer.

    Args:
        minutes: number of minutes
        label: label
    """
    if not 1 <= minutes <= 1440:
        raise ValueError("a timer runs for 1 to 1440 minutes")
    world().add("timers", minutes=minutes, label=label)
    return {"minutes": minutes} | ({"label": label} if label else {})


@world_tool(
    family="timers",
    side_effects=True,
    zh={
        "description": "设置闹钟",
        "parameters": {"time": "时间", "repeat": "重复：once=只响一次，daily=每天，weekdays=工作日"},
    },
)
def set_alarm(time: str, repeat: Literal["once", "daily", "weekdays"] = "once") -> dict[str, Any]:
    """Set an alarm.

    Args:
        time: time
        repeat: repeat: once=once, daily=every day, weekdays=on weekdays
    """
    read_time(time)
    world().add("alarms", time=time, repeat=repeat)
    return {"alarm": time, "alarms": len(world().table("alarms"))}


@world_tool(
    family="store", side_effects=True, zh={"description": "保存一个值", "parameters": {"key": "键", "value": "值"}}
)
def set_value(key: str, value: str) -> dict[str, Any]:
    """Store a value under a key.

    Args:
        key: key
        value: value
    """
    for record in world().find("store", key=key):
        world().table("store").remove(record)
    world().add("store", key=key, value=value)
    return {"key": key, "value": value}


@world_tool(family="store", zh={"description": "读取保存的值", "parameters": {"key": "键"}})
def get_value(key: str) -> dict[str, Any]:
    """Read the value stored under a key.

    Args:
        key: key
    """
    return {"key": key, "value": world().first("store", key=key)["value"]}


@world_tool(
    family="glossary",
    side_effects=True,
    zh={"description": "把译法加入术语表", "parameters": {"term": "术语", "translation": "译法"}},
)
def add_term(term: str, translation: str) -> dict[str, Any]:
    """Add a translation to the glossary.

    Args:
        term: term
        translation: translation
    """
    world().add("glossary", term=term, translation=translation)
    return {"term": term, "translation": translation}


@world_tool(family="glossary", zh={"description": "查术语的译法", "parameters": {"term": "术语"}})
def look_up_term(term: str) -> dict[str, Any]:
    """Look up a term in the glossary.

    Args:
        term: term
    """
    return {"term": term, "translation": world().first("glossary", term=term)["translation"]}


Category = Literal["food", "travel", "rent", "fun", "other"]
_ZH_CATEGORY = "类别：food=餐饮，travel=交通，rent=房租，fun=娱乐，other=其他"


@world_tool(
    family="expenses",
    side_effects=True,
    zh={"description": "记一笔支出", "parameters": {"amount": "金额", "category": _ZH_CATEGORY, "note": "备注"}},
)
def log_expense(amount: float, category: Category, note: str | None = None) -> dict[str, Any]:
    """Log an expense.

    Args:
        amount: amount
        category: category
        note: remark
    """
    if amount <= 0:
        raise ValueError("an expense must be above 0")
    world().add("expenses", amount=amount, category=category, note=note)
    return {"amount": tidy(amount), "total": tidy(sum(record["amount"] for record in world().table("expenses")))}


@world_tool(family="expenses", zh={"description": "统计某类支出", "parameters": {"category": _ZH_CATEGORY}})
def expense_total(category: Category) -> dict[str, Any]:
    """Add up the expenses of a category.

    Args:
        category: category
    """
    found = world().find("expenses", category=category)
    return {"count": len(found), "total": tidy(sum(record["amount"] for record in found))}


@world_tool(
    family="fitness",
    side_effects=True,
    zh={"description": "记录跑步", "parameters": {"distance": "距离（公里）", "minutes": "分钟数"}},
)
def log_run(distance: float, minutes: int) -> dict[str, Any]:
    """Log a run.

    Args:
        distance: distance in km
        minutes: number of minutes
    """
    if distance <= 0 or minutes <= 0:
        raise ValueError("distance and minutes must be above 0")
    world().add("runs", distance=distance, minutes=minutes)
    return {"distance": tidy(distance), "minutes_per_km": tidy(minutes / distance)}


@world_tool(
    family="fitness",
    zh={"description": "设定每日步数目标", "parameters": {"steps": "步数", "person": "姓名"}},
    side_effects=True,
)
def set_step_goal(steps: int, person: str | None = None) -> dict[str, Any]:
    """Set a daily step goal.

    Args:
        steps: number of steps
        person: name
    """
    if not 1 <= steps <= 200_000:
        raise ValueError("a goal is between 1 and 200000 steps")
    world().add("step_goals", steps=steps, person=person)
    return {"steps": steps} | ({"person": person} if person else {})
