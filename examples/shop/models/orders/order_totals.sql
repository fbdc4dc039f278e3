-- Native, on a target that is not the default: dbt_project.yml sets this folder's target to `orders`, which holds
-- both tables, so that database builds the model and no row leaves it.
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
