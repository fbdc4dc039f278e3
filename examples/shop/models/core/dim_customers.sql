-- Federated: customers are in SQLite, countries (a seed) in the warehouse.
-- It asks to be a view, which could not look into another database: dvt builds a table and says so (DVT001).
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
