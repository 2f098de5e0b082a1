"""The macro haversine_km against known distances and against the same formula in Python, on a real PostgreSQL."""

from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.geography import distance_km

MACROS = Path(__file__).parents[2] / "macros"
latitudes = st.integers(-90_000_000, 90_000_000).map(lambda degrees: degrees / 1_000_000)
longitudes = st.integers(-180_000_000, 180_000_000).map(lambda degrees: degrees / 1_000_000)


@pytest.fixture(scope="module")
def distance(postgres):
    module = jinja2.Environment().from_string((MACROS / "geography.sql").read_text()).make_module()
    arguments = [f"%({name})s::double precision" for name in ("a", "b", "c", "d")]
    query = f"select {module.haversine_km(*arguments)}"
    with postgres.connect("postgres") as connection:

        def measure(start, end):
            parameters = {"a": start[0], "b": start[1], "c": end[0], "d": end[1]}
            return connection.execute(query, parameters).fetchone()[0]

        yield measure


@pytest.mark.parametrize(
    ("start", "end", "kilometres"),
    [
        ((52.52, 13.405), (48.8566, 2.3522), 877.5),  # Berlin, Paris
        ((40.7128, -74.006), (51.5074, -0.1278), 5570.2),  # New York, London
        ((-33.8688, 151.2093), (35.6762, 139.6503), 7825.8),  # Sydney, Tokyo
        ((0.0, 179.5), (0.0, -179.5), 111.2),  # over the date line
        ((90.0, 0.0), (-90.0, 0.0), 20015.1),  # from pole to pole
        ((52.52, 13.405), (52.52, 13.405), 0.0),
    ],
)
def test_known_distances(distance, start, end, kilometres):
    assert distance(start, end) == pytest.approx(kilometres, abs=0.5)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(latitudes, longitudes), st.tuples(latitudes, longitudes))
def test_every_distance_is_a_number_and_the_same_as_elsewhere(distance, start, end):
    found = distance(start, end)
    assert 0 <= found <= 20_016
    assert found == pytest.approx(distance_km(start, end), abs=1e-3)
