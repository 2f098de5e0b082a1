"""Names for the generators, made from a few parts."""

from __future__ import annotations

ORGANIZATIONS = tuple(
    f"{first} {second}"
    for first in ("Northern", "Blue", "Granite", "Lakeside", "Copper", "Harbor", "Summit", "Cedar")
    for second in ("Logistics", "Foods", "Analytics", "Instruments", "Textiles", "Energy")
)
PEOPLE = tuple(
    f"{first} {last}"
    for first in (
        "Ada", "Bruno", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kirsi", "Lars",
        "Mina", "Noor", "Otto", "Priya", "Quentin", "Rosa", "Sven", "Tomoko",
    )
    for last in (
        "Abel", "Borg", "Costa", "Dahl", "Eriksen", "Farkas", "Gallo", "Hahn", "Ito", "Jensen", "Kovacs", "Lind",
        "Moreau", "Novak", "Okafor",
    )
)  # fmt: skip
