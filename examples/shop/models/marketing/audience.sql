-- Federated: from the warehouse and the customer register, into marketing's own database.
select
    value.customer_id,
    customers.email,
    value.country,
    value.tier,
    value.last_seen_on
from {{ ref('customer_value') }} as value
join {{ source('crm', 'customers') }} as customers on customers.id = value.customer_id
where customers.newsletter and value.tier <> 'bronze'
