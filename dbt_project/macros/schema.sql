{#- A model's schema is the one its folder names, with no prefix: readers ask for `market.fct_prices_daily`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
