-- Federated and incremental: one row per customer and day, from Parquet files.
-- From the second run on, dvt first asks the warehouse for the newest day (the subselect below), puts
-- the answer into the filter as a literal, and reads only newer views from the files.
{{ config(materialized='incremental') }}

select
    page_views.customer_id,
    page_views.viewed_at::date as viewed_on,
    count(*) as views,
    sum(page_views.milliseconds) / 1000 as seconds
from {{ source('tracking', 'page_views') }} as page_views
where page_views.customer_id is not null
{% if is_incremental() %}
  and page_views.viewed_at >= (select max(viewed_on) + interval 1 day from {{ this }})
{% endif %}
group by page_views.customer_id, page_views.viewed_at::date
