{#- A sum over this model equals a sum over another: nothing is lost or doubled between them.

    Arguments:
        expression: what is summed here.
        to: the other model.
        other_expression: what is summed there; the same by default. -#}
{% test sums_to(model, expression, to, other_expression=none) %}
    select
        here.total as total,
        there.total as other_total
    from (select coalesce(sum({{ expression }}), 0) as total from {{ model }}) as here
    cross join (select coalesce(sum({{ other_expression or expression }}), 0) as total from {{ to }}) as there
    where here.total <> there.total
{% endtest %}
