with active_weeks as (
    select distinct
        user_id,
        cast(date_trunc('week', session_date) as date) as active_week
    from {{ ref('int_user_journey') }}
    where sessions > 0
),

cohorts as (
    select
        user_id,
        active_week,
        min(active_week) over (partition by user_id) as cohort_week
    from active_weeks
),

active as (
    select
        cohort_week,
        active_week,
        count(*) as active_users
    from cohorts
    group by cohort_week, active_week
),

-- Weeks in which nobody of a cohort came are told, too.
weeks as (
    select
        cohort_week,
        active_users as cohort_users,
        cast(unnest(generate_series(
            cohort_week, (select max(newest.active_week) from active as newest), interval 7 day
        )) as date) as active_week
    from active
    where cohort_week = active_week
)

select
    weeks.cohort_week,
    cast((weeks.active_week - weeks.cohort_week) // 7 as integer) as week_number,
    weeks.active_week,
    weeks.cohort_users,
    coalesce(active.active_users, 0) as active_users,
    {{ share('coalesce(active.active_users, 0)', 'weeks.cohort_users') }} as retention_rate
from weeks
left join active on weeks.cohort_week = active.cohort_week and weeks.active_week = active.active_week
