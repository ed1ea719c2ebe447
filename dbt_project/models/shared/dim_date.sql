with days as (
    select cast(unnest(generate_series(date '1990-01-01', date '2049-12-31', interval 1 day)) as date) as date_day
),

years as (
    select distinct year(date_day) as year_number from days
),

-- Easter by the Gregorian calendar: Butcher's algorithm, its steps with its letters.
easter_abc as (
    select
        year_number,
        year_number % 19 as a,
        year_number // 100 as b,
        year_number % 100 as c
    from years
),

easter_h as (
    select
        *,
        (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30 as h
    from easter_abc
),

easter_l as (
    select
        *,
        (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7 as l
    from easter_h
),

easters as (
    select
        year_number,
        make_date(
            year_number,
            (h + l - 7 * ((a + 11 * h + 22 * l) // 451) + 114) // 31,
            (h + l - 7 * ((a + 11 * h + 22 * l) // 451) + 114) % 31 + 1
        ) as easter
    from easter_l
),

-- National holidays by law, and the days on which most of the country rests by custom (ponto facultativo).
holidays as (
    select
        make_date(years.year_number, fixed.month_number, fixed.day_number) as date_day,
        fixed.holiday_name,
        true as is_national_holiday
    from years
    inner join (
        values
        (1, 1, 'Confraternização Universal', 1949),
        (4, 21, 'Tiradentes', 1965),
        (5, 1, 'Dia do Trabalho', 1949),
        (9, 7, 'Independência do Brasil', 1949),
        (10, 12, 'Nossa Senhora Aparecida', 1980),
        (11, 2, 'Finados', 2003),
        (11, 15, 'Proclamação da República', 1949),
        (11, 20, 'Dia Nacional de Zumbi e da Consciência Negra', 2024),
        (12, 25, 'Natal', 1949)
    ) as fixed (month_number, day_number, holiday_name, since_year)
        on years.year_number >= fixed.since_year
    union all
    select
        easters.easter + movable.days_after as date_day,
        movable.holiday_name,
        movable.is_national_holiday
    from easters
    cross join (
        values
        (-48, 'Carnaval (segunda-feira)', false),
        (-47, 'Carnaval (terça-feira)', false),
        (-2, 'Paixão de Cristo', true),
        (60, 'Corpus Christi', false)
    ) as movable (days_after, holiday_name, is_national_holiday)
),

-- Two holidays may fall on one day (Tiradentes and Paixão de Cristo, in 2000): a day is one row.
named_holidays as (
    select
        date_day,
        string_agg(holiday_name, ' / ' order by is_national_holiday desc, holiday_name asc) as holiday_name,
        bool_or(is_national_holiday) as is_national_holiday
    from holidays
    group by date_day
)

select
    days.date_day,
    cast(strftime(days.date_day, '%Y%m%d') as integer) as date_key,
    cast(year(days.date_day) as integer) as year_number,
    cast(quarter(days.date_day) as integer) as quarter_number,
    cast(month(days.date_day) as integer) as month_number,
    cast(day(days.date_day) as integer) as day_of_month,
    cast(dayofyear(days.date_day) as integer) as day_of_year,
    cast(isodow(days.date_day) as integer) as iso_weekday,
    cast(isoyear(days.date_day) as integer) as iso_year,
    cast(weekofyear(days.date_day) as integer) as iso_week,
    cast(date_trunc('month', days.date_day) as date) as month_start,
    last_day(days.date_day) as month_end,
    cast(date_trunc('week', days.date_day) as date) as week_start,
    strftime(days.date_day, '%Y-%m') as year_month,
    (
        [
            'Janeiro', 'Fevereiro', 'Março', 'Abril', 'Maio', 'Junho',
            'Julho', 'Agosto', 'Setembro', 'Outubro', 'Novembro', 'Dezembro'
        ]
    )[month(days.date_day)] as month_name_pt,
    monthname(days.date_day) as month_name_en,
    (
        [
            'Segunda-feira', 'Terça-feira', 'Quarta-feira', 'Quinta-feira', 'Sexta-feira', 'Sábado', 'Domingo'
        ]
    )[isodow(days.date_day)] as weekday_name_pt,
    dayname(days.date_day) as weekday_name_en,
    isodow(days.date_day) >= 6 as is_weekend,
    coalesce(named_holidays.is_national_holiday, false) as is_national_holiday,
    named_holidays.holiday_name
from days
left join named_holidays on days.date_day = named_holidays.date_day
