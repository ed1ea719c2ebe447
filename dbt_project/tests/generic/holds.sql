{#- A condition is true of every row; unknown is not true.

    Arguments:
        condition: SQL about one row.
        touched_by: a date column; only days that this build replaced are looked at (see `touched`).
        system: whose build `touched_by` speaks of. -#}
{% test holds(model, condition, touched_by=none, system='market') %}
    {%- set scope = touched(touched_by, system) if touched_by else 'true' %}
    select *
    from {{ model }}
    where {{ scope }} and not coalesce({{ condition }}, false)
    limit 100
{% endtest %}
