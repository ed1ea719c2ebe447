{#- The columns are never null and no two rows share them, in one reading.

    Arguments:
        columns: the key.
        only: a condition; rows that do not meet it are not looked at.
        touched_by: a date column; only days that this build replaced are looked at (see `touched`).
        newest_only: only the runs of the batch's newest day are looked at; for views that read the lake.
        system: whose build `touched_by` speaks of. -#}
{% test primary_key(model, columns, only='true', touched_by=none, newest_only=false, system='market') %}
    {%- set scope = touched(touched_by, system) if touched_by else newest_runs() if newest_only else 'true' %}
    {%- if target.type != 'duckdb' %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    where {{ only }} and {{ scope }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns %} or {{ column }} is null{% endfor %}
    {%- else %}
    with keys as (
        select
            {{ columns | join(', ') }},
            -- Grouping by one number costs a quarter of grouping by texts; only suspects are then compared in full.
            hash({{ columns | join(', ') }}) as digest
        from {{ model }}
        where {{ only }} and {{ scope }}
    ),

    suspects as (
        select digest from keys
        group by digest
        having count(*) > 1
    )

    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from keys
    where
        {% for column in columns -%}
        {{ column }} is null or
        {% endfor -%}
        digest in (select digest from suspects)
    group by all
    having
        count(*) > 1
        {%- for column in columns %} or {{ column }} is null{% endfor %}
    {%- endif %}
{% endtest %}
