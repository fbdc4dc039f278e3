-- Federated: from the shop's order database and the warehouse, into the warehouse.
-- `dvt explain -s customer_value` shows which query goes to which database.
with bought as (
    select
        customer_id,
        count(*) as orders,
        sum(total) as revenue,
        max(ordered_on) as last_order_on
    from {{ ref('order_totals') }}
    where status = 'paid' and ordered_on >= date '2025-04-01'
    group by customer_id
),

seen as (
    select
        customer_id,
        sum(views) as views,
        max(viewed_on) as last_seen_on
    from {{ ref('activity') }}
    group by customer_id
)

select
    customers.customer_id,
    customers.name,
    customers.country,
    customers.region,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.revenue, 0) as revenue,
    bought.last_order_on,
    coalesce(seen.views, 0) as views,
    seen.last_seen_on,
    case
        when bought.revenue >= 500 then 'gold'
        when bought.revenue >= 200 then 'silver'
        else 'bronze'
    end as tier
from {{ ref('dim_customers') }} as customers
left join bought using (customer_id)
left join seen using (customer_id)
