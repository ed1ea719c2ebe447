with market as (
    {{ rows_if_made(ref('dim_products'), {
        'supermarket': 'varchar', 'sku_id': 'varchar', 'product_name': 'varchar', 'brand': 'varchar',
        'ean': 'varchar', 'gtin': 'varchar'
    }) }}
),

retail_sales as (
    {{ rows_if_made(source('retail_sales', 'dim_product'), {
        'retailer_id': 'varchar', 'product_id': 'varchar', 'product_name': 'varchar', 'brand': 'varchar',
        'barcode': 'varchar', 'gtin': 'varchar'
    }) }}
),

listed as (
    select
        'market' as system,
        supermarket as seller,
        sku_id as product_id,
        product_name,
        brand,
        ean as barcode,
        gtin
    from market
    union all
    select
        'retail_sales' as system,
        retailer_id as seller,
        product_id,
        product_name,
        brand,
        barcode,
        gtin
    from retail_sales
),

-- Only a barcode that means the same product everywhere has a GTIN: in-store codes tie nothing.
tied as (
    select
        gtin,
        count(distinct system) as systems,
        count(distinct seller) as sellers
    from listed
    where gtin is not null
    group by gtin
)

select
    listed.system,
    listed.seller,
    listed.product_id,
    listed.gtin,
    listed.barcode,
    listed.product_name,
    listed.brand,
    tied.systems,
    tied.sellers
from listed
inner join tied on listed.gtin = tied.gtin
