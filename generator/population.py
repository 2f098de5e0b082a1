"""Who takes part: restaurants, drivers and users, with names and places made by Faker.

In: how many of each. Out: their keys, and per restaurant how much slower than the average it
is. The same on every run, whatever the seed of the events, so that a restaurant keeps its name.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from faker import Faker

POPULATION_SEED = 20260101


@dataclass(frozen=True)
class Population:
    """The keys that events refer to.

    Attributes:
        restaurants, drivers, users: distinct keys of lower-case letters, digits and hyphens, at most 48 characters.
        slowness: per restaurant, the factor on the share of delayed orders; its mean over all orders is 1.
        popularity: per restaurant, its share of the orders; a few are much visited, many are not.
    """

    restaurants: tuple[str, ...]
    drivers: tuple[str, ...]
    users: tuple[str, ...]
    slowness: tuple[float, ...]
    popularity: tuple[float, ...]


def populate(restaurants: int = 400, drivers: int = 2_000, users: int = 20_000) -> Population:
    """Make a population; takes a few tenths of a second.

    Raises:
        ValueError: one of the numbers is not positive.
    """
    if min(restaurants, drivers, users) < 1:
        raise ValueError("a population needs at least one restaurant, one driver and one user")
    rng = random.Random(POPULATION_SEED)
    fake = Faker("en_US")
    fake.seed_instance(POPULATION_SEED)
    # Names of people repeat from a pool: Faker takes 30 us a name, and the number keeps the keys distinct.
    first_names = [fake.first_name() for _ in range(200)]
    last_names = [fake.last_name() for _ in range(400)]

    def person(prefix: str, number: int) -> str:
        return f"{prefix}{number:05d}-{slug(f'{rng.choice(first_names)} {rng.choice(last_names)}')}"[:48]

    popularity = [1.0 / (rank + 10) for rank in range(restaurants)]
    rng.shuffle(popularity)
    total = sum(popularity)
    popularity = [weight / total for weight in popularity]
    # One kitchen in ten is overwhelmed: it is late five times as often as the others.
    slowness = [5.0 if number % 10 == 3 else 1.0 for number in range(restaurants)]
    mean = sum(factor * weight for factor, weight in zip(slowness, popularity, strict=True))
    return Population(
        restaurants=tuple(
            f"r{number:04d}-{slug(f'{fake.last_name()} {fake.city()}')}"[:48] for number in range(restaurants)
        ),
        drivers=tuple(person("d", number) for number in range(drivers)),
        users=tuple(person("u", number) for number in range(users)),
        slowness=tuple(factor / mean for factor in slowness),
        popularity=tuple(popularity),
    )


def slug(name: str) -> str:
    """Lower-case letters and digits joined by hyphens.

    >>> slug("O'Connor and Sons, Port Anna")
    'o-connor-and-sons-port-anna'
    """
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
