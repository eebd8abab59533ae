"""Tools for shopping, parcels and bookings, in the session's world; nothing is really ordered.

Families: cart, orders, parcels, rooms, restaurants, taxis, cinema, hotels, library, clinic.
"""

from typing import Any, Literal

from agent.toolbox.reading import read_date, read_time, tidy
from agent.toolbox.world import almanac, world, world_tool
from agent.tools import tool


@world_tool(
    family="cart",
    side_effects=True,
    zh={"description": "把商品加入购物车", "parameters": {"product": "商品", "quantity": "数量"}},
)
def add_to_cart(product: str, quantity: int = 1) -> dict[str, Any]:
    """Put a product into the cart.

    Args:
        product: product
        quantity: quantity
    """
    if not 1 <= quantity <= 999:
        raise ValueError("the quantity must be between 1 and 999")
    world().add("cart", product=product, quantity=quantity)
    return {"product": product, "quantity": quantity}


@world_tool(family="cart", side_effects=True, zh={"description": "从购物车移除商品", "parameters": {"product": "商品"}})
def remove_from_cart(product: str) -> dict[str, Any]:
    """Take a product out of the cart.

    Args:
        product: product
    """
    world().table("cart").remove(world().first("cart", product=product))
    return {"removed": product, "left": len(world().table("cart"))}


@world_tool(family="cart", zh={"description": "查看购物车"})
def show_cart() -> dict[str, Any]:
    """Show the cart."""
    return {"products": [record["product"] for record in world().table("cart")][:20]}


@world_tool(
    family="orders",
    side_effects=True,
    zh={"description": "下单", "parameters": {"product": "商品", "quantity": "数量", "address": "收货地址"}},
)
def place_order(product: str, quantity: int, address: str) -> dict[str, Any]:
    """Order a product.

    Args:
        product: product
        quantity: quantity
        address: delivery address
    """
    if quantity < 1:
        raise ValueError("the quantity must be at least 1")
    order = world().add("orders", order_id=world().code("OR"), product=product, quantity=quantity, address=address)
    return {"order_id": order["order_id"], "product": product, "quantity": quantity}


@world_tool(
    family="orders",
    side_effects=True,
    zh={"description": "取消订单", "parameters": {"order_id": "订单号", "reason": "原因"}},
)
def cancel_order(order_id: str, reason: str | None = None) -> dict[str, Any]:
    """Cancel an order.

    Args:
        order_id: order number
        reason: reason
    """
    world().add("cancelled", order_id=order_id, reason=reason)
    return {"cancelled": order_id, "refund_days": almanac("refund", order_id).randint(1, 14)}


@tool(family="parcels", zh={"description": "查询快递（演示数据）", "parameters": {"number": "快递单号"}})
def track_parcel(number: str) -> dict[str, Any]:
    """Track a parcel (in the demo records).

    Args:
        number: parcel number
    """
    chance = almanac("parcel", number)
    if not any(sign.isdigit() for sign in number):
        raise ValueError(f"{number!r} is not a parcel number")
    return {"number": number, "stops_left": chance.randint(0, 9), "hours_left": chance.randint(1, 96)}


@world_tool(
    family="parcels",
    side_effects=True,
    zh={"description": "寄快递", "parameters": {"recipient": "收件人", "address": "地址", "weight": "重量（公斤）"}},
)
def send_parcel(recipient: str, address: str, weight: float) -> dict[str, Any]:
    """Send a parcel.

    Args:
        recipient: recipient
        address: address
        weight: weight in kg
    """
    if not 0 < weight <= 100:
        raise ValueError("a parcel weighs more than 0 and at most 100 kg")
    number = world().code("PX")
    world().add("parcels", number=number, recipient=recipient, address=address, weight=weight)
    return {"number": number, "recipient": recipient, "price": tidy(5 + 2 * weight)}


@world_tool(
    family="rooms",
    side_effects=True,
    zh={
        "description": "预订会议室",
        "parameters": {"room": "会议室", "date": "日期", "time": "时间", "people": "人数"},
    },
)
def book_room(room: str, date: str, time: str, people: int | None = None) -> dict[str, Any]:
    """Book a meeting room.

    Args:
        room: room
        date: date
        time: time
        people: number of people
    """
    day = read_date(date).isoformat()
    begins = f"{read_time(time):%H:%M}"  # 9:00 and 09:00 are one
    if world().find("rooms", room=room, date=day, time=begins):
        raise ValueError(f"{room} is taken on {day} at {time}")
    booking = world().add("rooms", booking_id=world().code("RB"), room=room, date=day, time=begins, people=people)
    return {"booking_id": booking["booking_id"], "room": room, "date": day, "time": time}


@world_tool(
    family="rooms", side_effects=True, zh={"description": "取消会议室预订", "parameters": {"booking_id": "预订号"}}
)
def cancel_room(booking_id: str) -> dict[str, Any]:
    """Cancel the booking of a meeting room.

    Args:
        booking_id: booking number
    """
    if not any(sign.isdigit() for sign in booking_id):
        raise ValueError(f"{booking_id!r} is not a booking number")
    for room in world().find("rooms", booking_id=booking_id):
        world().table("rooms").remove(room)
    return {"cancelled": booking_id}


@world_tool(
    family="restaurants",
    side_effects=True,
    zh={
        "description": "预订餐桌",
        "parameters": {"restaurant": "餐厅", "people": "人数", "time": "时间", "name": "预订人"},
    },
)
def reserve_table(restaurant: str, people: int, time: str, name: str | None = None) -> dict[str, Any]:
    """Reserve a table.

    Args:
        restaurant: restaurant
        people: number of people
        time: time
        name: name of the guest
    """
    if not 1 <= people <= 50:
        raise ValueError("a table seats 1 to 50 people")
    read_time(time)
    code = world().code("TB")
    world().add("tables", code=code, restaurant=restaurant, people=people, time=time, name=name)
    return {"code": code, "restaurant": restaurant, "people": people, "time": time}


@world_tool(
    family="restaurants",
    side_effects=True,
    zh={"description": "给餐厅打分", "parameters": {"restaurant": "餐厅", "stars": "星数", "comment": "评语"}},
)
def rate_restaurant(restaurant: str, stars: int, comment: str | None = None) -> dict[str, Any]:
    """Rate a restaurant.

    Args:
        restaurant: restaurant
        stars: number of stars
        comment: comment
    """
    if not 1 <= stars <= 5:
        raise ValueError("a rating has 1 to 5 stars")
    world().add("ratings", restaurant=restaurant, stars=stars, comment=comment)
    return {"restaurant": restaurant, "stars": stars}


@world_tool(
    family="taxis",
    side_effects=True,
    zh={
        "description": "叫出租车",
        "parameters": {"pickup": "上车地点", "destination": "目的地", "passengers": "乘客人数"},
    },
)
def order_taxi(pickup: str, destination: str, passengers: int = 1) -> dict[str, Any]:
    """Order a taxi.

    Args:
        pickup: pickup place
        destination: destination
        passengers: number of passengers
    """
    if not 1 <= passengers <= 8:
        raise ValueError("a taxi takes 1 to 8 passengers")
    code = world().code("TX")
    world().add("taxis", code=code, pickup=pickup, destination=destination)
    return {"code": code, "minutes": almanac("taxi", pickup, destination).randint(2, 25)}


@tool(
    family="taxis",
    zh={"description": "估算车费", "parameters": {"distance": "里程（公里）", "night": "时段：true=夜间，false=白天"}},
)
def taxi_fare(distance: float, night: bool = False) -> dict[str, Any]:
    """Estimate a taxi fare.

    Args:
        distance: distance in km
        night: time of day: true=at night, false=by day
    """
    if not 0 < distance <= 2000:
        raise ValueError("the distance must be above 0 and at most 2000 km")
    return {"fare": tidy((4 + 2.2 * distance) * (1.3 if night else 1))}


@world_tool(
    family="cinema",
    side_effects=True,
    zh={"description": "买电影票", "parameters": {"movie": "电影", "seats": "座位数", "time": "场次时间"}},
)
def buy_tickets(movie: str, seats: int, time: str) -> dict[str, Any]:
    """Buy movie tickets.

    Args:
        movie: movie
        seats: number of seats
        time: time of the show
    """
    if not 1 <= seats <= 20:
        raise ValueError("1 to 20 seats can be bought")
    read_time(time)
    code = world().code("MV")
    world().add("tickets", code=code, movie=movie, seats=seats, time=time)
    return {"code": code, "movie": movie, "seats": seats, "price": seats * 12}


@world_tool(family="cinema", side_effects=True, zh={"description": "退电影票", "parameters": {"code": "取票码"}})
def refund_tickets(code: str) -> dict[str, Any]:
    """Refund movie tickets.

    Args:
        code: ticket code
    """
    if not any(sign.isdigit() for sign in code):
        raise ValueError(f"{code!r} is not a ticket code")
    world().table("tickets")[:] = [ticket for ticket in world().table("tickets") if ticket["code"] != code]
    return {"refunded": code}


@world_tool(
    family="hotels",
    side_effects=True,
    zh={
        "description": "预订酒店",
        "parameters": {
            "hotel": "酒店",
            "arrival": "入住日期",
            "nights": "晚数",
            "guest": "客人姓名",
            "bed": "床型：single=单人床，double=大床，twin=双床",
        },
    },
)
def book_hotel(
    hotel: str, arrival: str, nights: int, guest: str, bed: Literal["single", "double", "twin"] = "double"
) -> dict[str, Any]:
    """Book a hotel.

    Args:
        hotel: hotel
        arrival: arrival date
        nights: number of nights
        guest: name of the guest
        bed: bed
    """
    if not 1 <= nights <= 60:
        raise ValueError("a stay has 1 to 60 nights")
    day, code = read_date(arrival).isoformat(), world().code("HB")
    world().add("hotels", code=code, hotel=hotel, arrival=day, nights=nights, guest=guest, bed=bed)
    return {"code": code, "hotel": hotel, "arrival": day, "nights": nights}


@world_tool(
    family="library",
    side_effects=True,
    zh={"description": "借书", "parameters": {"title": "书名", "reader": "读者姓名", "weeks": "周数"}},
)
def borrow_book(title: str, reader: str, weeks: int = 4) -> dict[str, Any]:
    """Borrow a book.

    Args:
        title: book title
        reader: name of the reader
        weeks: number of weeks
    """
    if not 1 <= weeks <= 12:
        raise ValueError("a book is lent for 1 to 12 weeks")
    if world().find("loans", title=title):
        raise ValueError(f"{title} is already lent")
    world().add("loans", title=title, reader=reader)
    return {"title": title, "reader": reader, "weeks": weeks}


@world_tool(family="library", side_effects=True, zh={"description": "还书", "parameters": {"title": "书名"}})
def return_book(title: str) -> dict[str, Any]:
    """Return a book.

    Args:
        title: book title
    """
    loan = world().first("loans", title=title)
    world().table("loans").remove(loan)
    return {"returned": title, "reader": loan["reader"]}


@world_tool(
    family="clinic",
    side_effects=True,
    zh={
        "description": "预约医生",
        "parameters": {"patient": "患者姓名", "doctor": "医生", "date": "日期", "phone": "电话"},
    },
)
def book_doctor(patient: str, doctor: str, date: str, phone: str | None = None) -> dict[str, Any]:
    """Book a doctor's appointment.

    Args:
        patient: name of the patient
        doctor: doctor
        date: date
        phone: phone number
    """
    day = read_date(date).isoformat()
    number = len(world().find("appointments", doctor=doctor, date=day)) + 1
    world().add("appointments", patient=patient, doctor=doctor, date=day, phone=phone)
    return {"patient": patient, "date": day, "number": number}
