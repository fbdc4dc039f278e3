-- Native: all it reads is in the warehouse by now, so dbt builds it there as it always did.
select
    country,
    count(*) as customers,
    sum(orders) as orders,
    sum(revenue) as revenue,
    sum(views) as views,
    count(*) filter (where tier = 'gold') as gold
from {{ ref('customer_value') }}
group by country
