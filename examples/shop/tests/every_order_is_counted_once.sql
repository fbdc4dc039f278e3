-- A test of your own: rows it returns are failures.
select country, customers, orders
from {{ ref('sales_by_country') }}
where orders < 0 or customers = 0
