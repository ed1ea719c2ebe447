"""Events as the shop's pixel sends them: late ones, some twice, some broken."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gondola.sandbox.events.dice import Bools, Dice, Ints, scrambled
from gondola.sandbox.events.goods import NO_PRICE, Goods
from gondola.sandbox.events.people import COUNTRIES, DEVICES, People
from gondola.sandbox.events.visits import CHECKOUT, PURCHASE, SEARCH, TYPES, Moves, Visits

__all__ = ["BROKEN_WAYS", "CAMPAIGNS", "COLUMNS", "Mail", "Rates", "send"]

COLUMNS = (
    "event_id", "event_time", "event_type", "user_id", "session_id", "product_id", "category_id", "category_code",
    "brand", "price", "quantity", "order_id", "search_query", "page_url", "referrer", "utm_source", "utm_medium",
    "utm_campaign", "device", "country", "is_bot",
)  # fmt: skip

# utm_source, utm_medium, utm_campaign, referrer
CAMPAIGNS = (
    ("google", "cpc", "marca", "https://www.google.example/"),
    ("google", "cpc", "ofertas_da_semana", "https://www.google.example/"),
    ("newsletter", "email", "clube", "https://correio.example/"),
    ("instagram", "social", "receitas", "https://instagram.example/"),
    ("facebook", "social", "remarketing", "https://facebook.example/"),
    ("newsletter", "email", "carrinho_abandonado", "https://correio.example/"),
    ("comparador", "affiliate", "menor_preco", "https://comparador.example/"),
    ("tiktok", "social", "feira", "https://tiktok.example/"),
    ("google", "cpc", "vinhos", "https://www.google.example/"),
    ("radio", "qr", "jingle", None),
)

# Ways in which a row is broken; the last two need a format of text.
BROKEN_WAYS = (
    "unknown_type", "no_type", "no_user", "no_time", "time_in_2099", "negative_price", "negative_quantity",
    "unreadable_time", "unreadable_price",
)  # fmt: skip
_TEXT_WAYS = 2
_SHARED_SESSION = 1 / 1500
_LONGEST_DELAY = 3


@dataclass(frozen=True)
class Rates:
    """How much goes wrong on the way, as shares of all rows."""

    late: float = 0.01
    duplicate: float = 0.005
    bad: float = 0.0


@dataclass
class Mail:
    """What arrives on each day, and what was done to it."""

    by_day: dict[int, list[pa.Table]] = field(default_factory=dict)
    late: int = 0
    duplicates: int = 0
    broken: dict[str, int] = field(default_factory=dict)

    def add(self, day: int, table: pa.Table) -> None:
        """Let rows arrive on a day."""
        if table.num_rows:
            self.by_day.setdefault(day, []).append(table)

    def take(self, day: int) -> list[pa.Table]:
        """What has arrived on a day, which is then over."""
        return self.by_day.pop(day, [])


@dataclass(frozen=True)
class Sent:
    """Who sends, from where: what the rows of a chunk have in common."""

    dice: Dice
    goods: Goods
    people: People
    rates: Rates
    last_day: int
    as_text: bool


def send(
    sent: Sent, mail: Mail, visits: Visits, moves: Moves, *, cents: Ints, campaign: Ints, day: Ints, first_event: int,
    extra: tuple[int, int],
) -> None:  # fmt: skip
    """Put the events of a chunk of visits into the mail of the day they arrive on.

    Args:
        sent: What the chunk has in common with all others.
        mail: Takes the rows.
        visits: The visits.
        moves: Their events.
        cents: Price of each event's product.
        campaign: Campaign of each visit.
        day: Day of each event.
        first_event: Number of the first event.
        extra: How many rows to send again, and how many broken ones to add.
    """
    number = first_event + np.arange(len(day), dtype=np.int64)
    table = _table(sent, visits, moves, cents=cents, campaign=campaign, number=number)
    delay = np.where(
        sent.dice.unit("late", number) < sent.rates.late, 1 + sent.dice.below(_LONGEST_DELAY, "delay", number), 0
    )
    arrival = np.minimum(day + delay, sent.last_day)
    mail.late += int(np.count_nonzero(arrival > day))
    for late_day in np.unique(arrival).tolist():
        mail.add(late_day, table.filter(pa.array(arrival == late_day)))
    _send_again(sent, mail, table, arrival, number=number, count=extra[0])
    _send_broken(sent, mail, table, arrival, first_event=first_event, count=extra[1])


def _table(sent: Sent, visits: Visits, moves: Moves, *, cents: Ints, campaign: Ints, number: Ints) -> pa.Table:
    visit, user = moves.visit, visits.user[moves.visit]
    goods, people = sent.goods, sent.people
    product = _index(moves.product)
    landing = _index(np.where(moves.place == 0, campaign[visit], -1))
    told = {name: pool.take(product) for name, pool in goods.columns.items()}
    places = pa.array(["https://loja.example/busca", "https://loja.example/caixa", "https://loja.example/obrigado"])
    place = np.select([moves.kind == SEARCH, moves.kind == CHECKOUT, moves.kind == PURCHASE], [0, 1, 2], -1)
    query = sent.dice.below(len(goods.searches), "query", visits.number[visit], moves.place)
    ordered = pa.array(moves.kind == PURCHASE)
    columns = {
        "event_id": _hidden(_texts("e", scrambled(number)), people.has_old_app[user]),
        "event_time": _times(moves.moment),
        "event_type": pa.array(TYPES).take(pa.array(moves.kind)),
        "user_id": people.ids.take(pa.array(user)),
        "session_id": _hidden(_sessions(sent.dice, visits).take(pa.array(visit)), people.is_nameless[user]),
        **told,
        "price": _prices(cents),
        "quantity": pa.array(moves.quantity.astype(np.int32), mask=moves.quantity < 0),
        "order_id": pc.if_else(ordered, _texts("o", scrambled(visits.number + 1)).take(pa.array(visit)), None),
        "search_query": goods.searches.take(_index(np.where(moves.kind == SEARCH, query, -1))),
        "page_url": pc.coalesce(places.take(_index(place)), told["page_url"]),
        "device": pa.array(DEVICES).take(pa.array(people.device(visits.user, visits.number))).take(pa.array(visit)),
        "country": pa.array(COUNTRIES).take(pa.array(people.country[user])),
        "is_bot": pa.array(people.is_flagged[user], mask=~people.is_flagged[user]),
    }
    for place_in, name in enumerate(("utm_source", "utm_medium", "utm_campaign", "referrer")):
        columns[name] = pa.array([row[place_in] for row in CAMPAIGNS]).take(landing)
    return pa.table({name: columns[name] for name in COLUMNS})


def _send_again(sent: Sent, mail: Mail, table: pa.Table, arrival: Ints, *, number: Ints, count: int) -> None:
    """Send some rows twice: exactly, or with the same event id and another page, at once or a day later."""
    if not count:
        return
    turns = np.arange(count)
    first = int(number[0])
    chosen = sent.dice.below(len(number), "again", turns, first)
    copies = table.take(pa.array(chosen))
    retold = pa.array(sent.dice.unit("retold", turns, first) < 0.5)
    differs = pc.and_(retold, pc.is_valid(copies["event_id"]))
    page = pc.if_else(differs, "https://loja.example/de-novo", copies["page_url"])
    copies = copies.set_column(COLUMNS.index("page_url"), "page_url", page)
    next_day = sent.dice.unit("again later", turns, first) < 0.3
    day = np.minimum(arrival[chosen] + next_day, sent.last_day)
    mail.duplicates += count
    for late_day in np.unique(day).tolist():
        mail.add(late_day, copies.filter(pa.array(day == late_day)))


def _send_broken(sent: Sent, mail: Mail, table: pa.Table, arrival: Ints, *, first_event: int, count: int) -> None:
    """Add rows that no reader may accept, under event ids of their own."""
    if not count:
        return
    turns = np.arange(count)
    chosen = sent.dice.below(table.num_rows, "broken", turns, first_event)
    ways = len(BROKEN_WAYS) - (0 if sent.as_text else _TEXT_WAYS)
    way = sent.dice.below(ways, "way", turns, first_event)
    rows = table.take(pa.array(chosen))
    rows = rows.set_column(0, "event_id", _texts("b", scrambled(first_event * 1_000_003 + turns)))
    wrong = {
        "unknown_type": ("event_type", "hover"),
        "no_type": ("event_type", None),
        "no_user": ("user_id", None),
        "no_time": ("event_time", None),
        "time_in_2099": ("event_time", "2099-01-01T00:00:00.000Z"),
        "negative_price": ("price", "-1.00"),
        "negative_quantity": ("quantity", -1),
        "unreadable_time": ("event_time", "31/02/2026 25:61"),
        "unreadable_price": ("price", '"R$ 12,90"'),
    }
    for index, name in enumerate(BROKEN_WAYS[:ways]):
        column, value = wrong[name]
        here = way == index
        mail.broken[name] = mail.broken.get(name, 0) + int(np.count_nonzero(here))
        kind = rows.schema.field(column).type
        values = pc.if_else(pa.array(here), pa.scalar(value, kind), rows[column])
        rows = rows.set_column(COLUMNS.index(column), column, values)
    day = arrival[chosen]
    for late_day in np.unique(day).tolist():
        mail.add(late_day, rows.filter(pa.array(day == late_day)))


def _sessions(dice: Dice, visits: Visits) -> pa.Array:
    """Session ids; now and then a shop gives one to two users."""
    number = visits.number.copy()
    shared = np.flatnonzero(dice.unit("shared session", number) < _SHARED_SESSION)
    shared = shared[(shared > 0) & (visits.user[shared] != visits.user[shared - 1])]
    number[shared] = visits.number[shared - 1]
    return _texts("s", scrambled(number))


def _index(numbers: Ints) -> pa.Array:
    """Indices for `take`, null where there is none."""
    return pa.array(numbers, mask=numbers < 0)


def _hidden(texts: pa.Array, hidden: Bools) -> pa.Array:
    return pc.if_else(pa.array(hidden), None, texts)


def _texts(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _times(moments: Ints) -> pa.Array:
    texts = pa.array(moments).cast(pa.timestamp("ms")).cast(pa.string())
    return pc.binary_join_element_wise(pc.binary_replace_slice(texts, 10, 11, "T"), "Z", "")


def _prices(cents: Ints) -> pa.Array:
    unknown = cents == NO_PRICE
    whole = pa.array(cents // 100, mask=unknown).cast(pa.string())
    rest = pc.utf8_lpad(pa.array(cents % 100).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(whole, rest, ".")
