-- Native again, in marketing's database. A view may stay a view here.
{{ config(materialized='view') }}

select tier, country, count(*) as people
from {{ ref('audience') }}
group by tier, country
