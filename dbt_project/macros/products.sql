{#- The barcodes of a relation's `ean` column, judged once each: (ean, gtin, ean_status).

    `gtin` is the GTIN-14: padded on the left, so that one product's UPC, EAN-13 and zero-stripped forms are one. It is
    given only to a barcode that identifies the same product everywhere: the check digit is right, and it is neither a
    price look-up code nor a number that stores give out themselves (GTIN-8 starting with 0 or 2, GTIN-13 with 02, 04
    or 20 to 29). -#}
{% macro barcodes(relation) -%}
    with distinct_eans as (
        select distinct ean from {{ relation }}
    ),

    digits as (
        select
            ean,
            regexp_replace(ean, '[\s.-]', '', 'g') as bare,
            ltrim(regexp_replace(ean, '[\s.-]', '', 'g'), '0') as significant
        from distinct_eans
    ),

    numbers as (
        select
            *,
            case when regexp_full_match(significant, '[0-9]{1,14}') then cast(significant as bigint) end as number
        from digits
    ),

    weighed as (
        select
            *,
            {% for place in range(14) -%}
            {{ 1 if place % 2 == 0 else 3 }} * (number // {{ 10 ** place }} % 10){{ ' +' if not loop.last }}
            {% endfor -%}
            as weight
        from numbers
    ),

    judged as (
        select
            *,
            case
                when significant is null or bare = '' or significant = '' then 'missing'
                when not regexp_full_match(significant, '[0-9]+') then 'not_numeric'
                when length(significant) > 14 then 'too_long'
                when length(significant) <= 5 then 'plu'
                when length(significant) < 8 then 'restricted'
                when length(significant) = 8 and significant[1] = '2' then 'restricted'
                when number // 100000000000 % 100 in (2, 4, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29) then 'restricted'
                when weight % 10 <> 0 then 'bad_check_digit'
                else 'valid'
            end as ean_status
        from weighed
    )

    select
        ean,
        case when ean_status = 'valid' then lpad(significant, 14, '0') end as gtin,
        ean_status
    from judged
{%- endmacro %}

{#- A name with its spaces put right; null when there is nothing in it. -#}
{% macro tidy(column) -%}
    nullif(trim(regexp_replace({{ column }}, '\s+', ' ', 'g')), '')
{%- endmacro %}

{#- One level of a category path such as /Mercearia/Arroz/: 1 is the department; null where the path ends before. -#}
{% macro category_level(column, level) -%}
    nullif(split_part({{ column }}, '/', {{ level + 1 }}), '')
{%- endmacro %}
