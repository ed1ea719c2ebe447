"""Who buys, ships and inspects: a pool of Faker's names, from which customers of any number are taken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from faker import Faker

from gondola.sandbox.catalogue import slug
from gondola.sandbox.events.dice import Dice, Ints

__all__ = ["CARRIERS", "SEGMENTS", "SITES", "People", "numbered"]

# Faker makes a few thousand names a second, an array takes millions of them.
_POOL = 400
SEGMENTS = ("consumer", "retail", "wholesale", "distributor")
_SEGMENT_WEIGHTS = (70, 18, 8, 4)
CARRIERS = ("Rapida", "Norte Sul", "Entrega Certa", "Carga Leve")
SITES = ("Curitiba", "Recife", "Campinas")


def numbered(prefix: str, numbers: Ints, width: int = 9) -> pa.Array:
    """Ids: a prefix and a number with leading zeros."""
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


@dataclass(frozen=True)
class People:
    """The customers of one world, by index."""

    seed: int
    count: int

    @cached_property
    def ids(self) -> pa.Array:
        """Their ids."""
        return numbered("K", np.arange(self.count), 8)

    def table(self) -> pa.Table:
        """The file of customers, all columns as texts."""
        dice, everyone = Dice(self.seed), np.arange(self.count)
        faker = Faker("pt_BR")
        faker.seed_instance(self.seed)
        names = [faker.name() for _ in range(_POOL)]
        companies = [faker.company() for _ in range(_POOL)]
        places = [(faker.city(), faker.estado_sigla()) for _ in range(_POOL)]
        segment = dice.pick(_SEGMENT_WEIGHTS, "segment", everyone)
        pick = dice.below(_POOL, "name", everyone)
        place = dice.below(_POOL, "place", everyone)
        person, company = pa.array(names).take(pa.array(pick)), pa.array(companies).take(pa.array(pick))
        host = pa.array([slug(name) for name in names]).take(pa.array(pick))
        mailbox = pc.binary_join_element_wise(host, "mail.example", ".")
        signed_up = np.datetime64("2024-01-01") + dice.below(700, "signed up", everyone)
        return pa.table(
            {
                "customer_id": self.ids,
                "customer_name": pc.if_else(pa.array(segment == 0), person, company),
                "email": pc.binary_join_element_wise(self.ids, mailbox, "@"),
                "segment": pa.array(SEGMENTS).take(pa.array(segment)),
                "city": pa.array([city for city, _ in places]).take(pa.array(place)),
                "state": pa.array([state for _, state in places]).take(pa.array(place)),
                "country": pa.array(["BR"]).take(pa.array(np.zeros(self.count, np.int64))),
                "signed_up_on": pa.array(signed_up).cast(pa.string()),
            }
        )
