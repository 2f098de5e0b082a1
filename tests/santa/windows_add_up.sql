-- Every view of gold has every event of silver once, with its gifts.
with

sides as (

    select
        'minutes' as what,
        events,
        gifts
    from {{ ref('gold_delivery_summary_realtime') }}

    union all

    select
        'regions' as what,
        events,
        gifts
    from {{ ref('gold_delivery_by_region') }}

    union all

    select
        'gift types' as what,
        events,
        gifts
    from {{ ref('gold_delivery_by_gift_type') }}

    union all

    select
        'progress' as what,
        events,
        gifts
    from {{ ref('gold_overall_progress') }}

    union all

    select
        'cities' as what,
        events,
        gifts
    from {{ ref('gold_top_cities') }}

),

whole as (

    select
        count(*) filter (where region is not null) as regions,
        count(*) filter (where gift_type is not null) as gift_types,
        count(*) filter (where city is not null) as cities,
        count(*) as events
    from {{ ref('silver_santa_deliveries') }}

),

found as (

    select
        what,
        sum(events) as events
    from sides
    group by what

)

select
    found.what,
    found.events
from found
cross join whole
where
    found.events != case found.what
        when 'regions' then whole.regions
        when 'gift types' then whole.gift_types
        when 'cities' then whole.cities
        else whole.events
    end
