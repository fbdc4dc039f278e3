-- Federated: customers are in SQLite, countries (a seed) in the warehouse.
-- It is configured as a view, which cannot read another database: dvt builds a table, with a warning (DVT001).
{{ config(materialized='view') }}

select
    customers.id as customer_id,
    customers.name,
    customers.email,
    countries.country,
    countries.region,
    customers.signed_up_on,
    customers.newsletter
from {{ source('crm', 'customers') }} as customers
left join {{ ref('countries') }} as countries on countries.code = customers.country_code
