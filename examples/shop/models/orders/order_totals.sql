-- Native, on a target that is not the default one: dbt_project.yml puts this folder on `orders`,
-- and both tables live there, so the model is pushed to them and no row leaves that database.
select
    orders.order_id,
    orders.customer_id,
    orders.ordered_on,
    orders.status,
    count(*) as lines,
    sum(order_lines.quantity * order_lines.price) as total
from {{ source('shop', 'orders') }} as orders
join {{ source('shop', 'order_lines') }} as order_lines using (order_id)
group by all
