-- Native: everything that it reads is in the warehouse, so dbt builds it there as in any dbt project.
select
    country,
    count(*) as customers,
    sum(orders) as orders,
    sum(revenue) as revenue,
    sum(views) as views,
    count(*) filter (where tier = 'gold') as gold
from {{ ref('customer_value') }}
group by country
