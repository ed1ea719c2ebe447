{#- Every value of a column is one of another relation's column of the same name.

    Arguments:
        column: the column, in both.
        to: the other relation. -#}
{% test points_at(model, column, to) %}
    select
        here.{{ column }},
        count(*) as row_count
    from {{ model }} as here
    left join {{ to }} as there on here.{{ column }} = there.{{ column }}
    where there.{{ column }} is null
    group by here.{{ column }}
{% endtest %}
