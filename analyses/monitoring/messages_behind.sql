-- How many messages does Kafka hold that no view shows yet?
select
    kafka_sources.name as source_name,
    sum(figures.offset_known - figures.offset_committed) as messages_behind
from mz_internal.mz_source_statistics as figures
inner join mz_catalog.mz_sources as kafka_sources
    on figures.id = kafka_sources.id
group by kafka_sources.name
order by messages_behind desc, source_name asc
