{% macro haversine_km(latitude, longitude, other_latitude, other_longitude) -%}
{#-
    The great-circle distance in km between two positions in degrees, on a sphere
    with a radius of 6,371 km: up to 0.5 % off the real Earth. The argument of
    asin is at most 1; without the bound a rounding error at the antipodes would
    make it an error.
-#}
    2 * 6371.0::double precision * asin(
        least(
            1.0::double precision,
            sqrt(
                power(
                    sin(radians({{ other_latitude }} - {{ latitude }}) / 2), 2
                )
                + cos(radians({{ latitude }}))
                * cos(radians({{ other_latitude }}))
                * power(
                    sin(radians({{ other_longitude }} - {{ longitude }}) / 2), 2
                )
            )
        )
    )
{%- endmacro %}
