"""Tools for the home, messages, music and small groups, in the session's world; nothing is really switched or sent.

Families: smart_home, messages, music, weather, polls, grades, pets.
"""

import statistics
from typing import Any, Literal

from agent.toolbox.reading import read_date, tidy
from agent.toolbox.world import almanac, world, world_tool


@world_tool(
    family="smart_home",
    side_effects=True,
    zh={
        "description": "开关灯",
        "parameters": {"room": "房间", "on": "开关：true=打开，false=关掉", "brightness": "亮度"},
    },
)
def switch_light(room: str, on: bool, brightness: int = 100) -> dict[str, Any]:
    """Switch a light.

    Args:
        room: room
        on: switch: true=on, false=off
        brightness: brightness in percent
    """
    if not 1 <= brightness <= 100:
        raise ValueError("the brightness must be between 1 and 100")
    world().add("lights", room=room, on=on, brightness=brightness)
    return {"room": room, "brightness": brightness if on else 0}


@world_tool(
    family="smart_home",
    side_effects=True,
    zh={"description": "设定室温", "parameters": {"room": "房间", "degrees": "温度"}},
)
def set_thermostat(room: str, degrees: float) -> dict[str, Any]:
    """Set the temperature of a room.

    Args:
        room: room
        degrees: degrees
    """
    if not 5 <= degrees <= 35:
        raise ValueError("a room can be set to 5 to 35 degrees")
    world().add("thermostats", room=room, degrees=degrees)
    return {"room": room, "degrees": tidy(degrees)}


@world_tool(
    family="smart_home",
    side_effects=True,
    zh={
        "description": "启动家电",
        "parameters": {"device": "家电：washer=洗衣机，oven=烤箱，vacuum=扫地机", "minutes": "分钟数"},
    },
)
def start_device(device: Literal["washer", "oven", "vacuum"], minutes: int) -> dict[str, Any]:
    """Start a household device.

    Args:
        device: device
        minutes: number of minutes
    """
    if not 1 <= minutes <= 600:
        raise ValueError("a device runs for 1 to 600 minutes")
    world().add("devices", device=device, minutes=minutes)
    return {"device": device, "minutes": minutes}


@world_tool(
    family="messages",
    side_effects=True,
    zh={"description": "发短信", "parameters": {"recipient": "收信人", "text": "短信内容"}},
)
def send_message(recipient: str, text: str) -> dict[str, Any]:
    """Send a text message.

    Args:
        recipient: recipient
        text: message text
    """
    world().add("outbox", recipient=recipient, text=text)
    return {"recipient": recipient, "text": text}


@world_tool(
    family="messages",
    side_effects=True,
    zh={"description": "写邮件草稿", "parameters": {"address": "收件邮箱", "subject": "主题", "body": "正文"}},
)
def draft_email(address: str, subject: str, body: str | None = None) -> dict[str, Any]:
    """Draft an e-mail.

    Args:
        address: e-mail address
        subject: subject
        body: body
    """
    if "@" not in address:
        raise ValueError(f"{address!r} is not an e-mail address")
    world().add("drafts", address=address, subject=subject, body=body)
    return {"address": address, "subject": subject, "drafts": len(world().table("drafts"))}


@world_tool(
    family="music",
    side_effects=True,
    zh={"description": "把歌曲加入歌单", "parameters": {"song": "歌曲", "playlist": "歌单", "artist": "歌手"}},
)
def add_song(song: str, playlist: str, artist: str | None = None) -> dict[str, Any]:
    """Add a song to a playlist.

    Args:
        song: song
        playlist: playlist
        artist: artist
    """
    world().add("songs", song=song, playlist=playlist, artist=artist)
    return {"song": song, "playlist": playlist, "songs": len(world().find("songs", playlist=playlist))}


@world_tool(family="music", side_effects=True, zh={"description": "调节音量", "parameters": {"level": "音量"}})
def set_volume(level: int) -> dict[str, Any]:
    """Set the volume.

    Args:
        level: level
    """
    if not 0 <= level <= 100:
        raise ValueError("the volume goes from 0 to 100")
    return {"volume": level}


@world_tool(family="music", zh={"description": "查看歌单", "parameters": {"playlist": "歌单"}})
def show_playlist(playlist: str) -> dict[str, Any]:
    """Show the songs of a playlist.

    Args:
        playlist: playlist
    """
    songs = [record["song"] for record in world().find("songs", playlist=playlist)]
    if not songs:
        raise ValueError(f"there is no playlist {playlist}")
    return {"playlist": playlist, "songs": songs[:10]}


@world_tool(
    family="weather",
    zh={"description": "查询天气（演示用历书，并非预报）", "parameters": {"city": "城市", "date": "日期"}},
)
def get_weather(city: str, date: str | None = None) -> dict[str, Any]:
    """Look up the weather (in a demo almanac, no forecast).

    Args:
        city: city
        date: date
    """
    day = (read_date(date) if date else world().today).isoformat()
    chance = almanac("weather", city, day)
    low = chance.randint(-8, 26)
    return {"city": city, "low": low, "high": low + chance.randint(3, 12), "source": "demo almanac"}


@world_tool(family="weather", zh={"description": "查询空气质量（演示数据）", "parameters": {"city": "城市"}})
def air_quality(city: str) -> dict[str, Any]:
    """Look up the air quality (in a demo almanac).

    Args:
        city: city
    """
    return {"city": city, "index": almanac("air", city, world().today).randint(15, 180), "source": "demo almanac"}


@world_tool(
    family="polls",
    side_effects=True,
    zh={"description": "发起投票", "parameters": {"question": "问题", "options": "选项"}},
)
def create_poll(question: str, options: list[str]) -> dict[str, Any]:
    """Create a poll.

    Args:
        question: question
        options: options
    """
    if not 2 <= len(options) <= 20:
        raise ValueError("a poll has 2 to 20 options")
    poll = world().add("polls", poll_id=world().code("PL"), question=question, options=options)
    return {"poll_id": poll["poll_id"], "options": len(options)}


@world_tool(
    family="polls",
    side_effects=True,
    zh={"description": "邀请参加活动", "parameters": {"event": "活动", "guests": "客人"}},
)
def invite_guests(event: str, guests: list[str]) -> dict[str, Any]:
    """Invite guests to an event.

    Args:
        event: event
        guests: guests
    """
    if not 1 <= len(guests) <= 100:
        raise ValueError("1 to 100 guests can be invited")
    world().add("invitations", event=event, guests=guests)
    return {"event": event, "invited": len(guests)}


@world_tool(
    family="grades",
    side_effects=True,
    zh={"description": "登记成绩", "parameters": {"student": "学生", "subject": "科目", "score": "分数"}},
)
def record_grade(student: str, subject: str, score: int) -> dict[str, Any]:
    """Record a grade.

    Args:
        student: student
        subject: subject
        score: score
    """
    if not 0 <= score <= 100:
        raise ValueError("a score is between 0 and 100")
    world().add("grades", student=student, subject=subject, score=score)
    return {"student": student, "subject": subject, "score": score}


@world_tool(family="grades", zh={"description": "查询学生的平均分", "parameters": {"student": "学生"}})
def average_grade(student: str) -> dict[str, Any]:
    """Look up the average grade of a student.

    Args:
        student: student
    """
    scores = [record["score"] for record in world().find("grades", student=student)]
    if not scores:
        raise ValueError(f"{student} has no grades")
    return {"student": student, "average": tidy(statistics.fmean(scores)), "grades": len(scores)}


@world_tool(
    family="pets",
    side_effects=True,
    zh={
        "description": "登记宠物",
        "parameters": {
            "name": "宠物名字",
            "kind": "种类：cat=猫，dog=狗，bird=鸟，rabbit=兔子",
            "owner": "主人",
            "age": "年龄",
        },
    },
)
def register_pet(
    name: str, kind: Literal["cat", "dog", "bird", "rabbit"], owner: str, age: int | None = None
) -> dict[str, Any]:
    """Register a pet.

    Args:
        name: name of the pet
        kind: kind
        owner: owner
        age: age
    """
    world().add("pets", name=name, kind=kind, owner=owner, age=age)
    return {"name": name, "owner": owner, "pets": len(world().find("pets", owner=owner))}


@world_tool(
    family="pets",
    side_effects=True,
    zh={"description": "给宠物预约美容", "parameters": {"name": "宠物名字", "date": "日期"}},
)
def book_grooming(name: str, date: str) -> dict[str, Any]:
    """Book a grooming session for a pet.

    Args:
        name: name of the pet
        date: date
    """
    day = read_date(date).isoformat()
    world().add("grooming", name=name, date=day)
    return {"name": name, "date": day}
