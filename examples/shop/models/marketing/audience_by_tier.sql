-- Native, in marketing's database, so a view can be a view.
{{ config(materialized='view') }}

select tier, country, count(*) as people
from {{ ref('audience') }}
group by tier, country
