{{ config(materialized='view') }}

-- Read from {{ source('market_lake', 'products') }}: the files that {{ ref('int_market__batch') }} names, no others.
{{ lake_rows('market_lake', 'products', batch_files()) }}
