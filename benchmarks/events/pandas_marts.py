"""From one event file to the marts with pandas, as an analyst writes it: after the load, a handful of group-bys.

Sessions (the shop's own ids), bots by the rate rule, days with active users of 1, 7 and 30 days, the funnel in order,
revenue by day and product, first and last touch days of users. It keeps no history, so every run makes everything anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

KEY = ["user_id", "session_id"]
STEPS = ("session", "view", "cart", "checkout", "purchase")


def sessions_of(events: pd.DataFrame) -> pd.DataFrame:
    """One row a session, with the furthest step it reached in order."""
    grouped = events.groupby(KEY, sort=False)
    sessions = grouped.agg(
        started_at=("event_time", "min"),
        ended_at=("event_time", "max"),
        session_date=("event_date", "min"),
        events=("event_id", "size"),
    )
    minutes = ((sessions.ended_at - sessions.started_at).dt.total_seconds() / 60).clip(lower=1)
    sessions["is_bot"] = (sessions.events >= 30) & (sessions.events > 30 * minutes)

    def first(kind: str, after: pd.Series | None = None) -> pd.Series:
        found = events[events.event_type == kind].set_index(KEY).event_time
        if after is not None:
            found = found[found >= after.reindex(found.index)]
        return found.groupby(level=KEY, sort=False).min()

    viewed = first("view")
    carted = first("cart", viewed)
    reached = pd.Series(1, index=sessions.index)
    reached.loc[viewed.index] = 2
    reached.loc[carted.index] = 3
    reached.loc[first("checkout", carted).index] = 4
    reached.loc[first("purchase", carted).index] = 5
    return sessions.assign(reached=reached)


def active_users(journey: pd.DataFrame, days: int) -> pd.Series:
    """Users of each day and the days before it."""
    return pd.Series(
        {
            day: journey[
                (journey.session_date <= day) & (journey.session_date > day - pd.Timedelta(days=days))
            ].user_id.nunique()
            for day in sorted(journey.session_date.unique())
        }
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    load = [sys.executable, "-m", "benchmarks.events.plain_pandas", options.file, str(options.out)]
    subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
    events = pd.concat(pd.read_parquet(path) for path in sorted((options.out / "silver").rglob("*.parquet")))
    events["event_date"] = pd.to_datetime(events.event_date)
    sessions = sessions_of(events)
    people = sessions[~sessions.is_bot].reset_index()
    daily = people.groupby("session_date").agg(
        daily_active_users=("user_id", "nunique"),
        sessions=("events", "size"),
        events=("events", "sum"),
        bounces=("events", lambda counts: int((counts == 1).sum())),
    )
    daily["weekly_active_users"] = active_users(people, 7)
    daily["monthly_active_users"] = active_users(people, 30)
    funnel = pd.DataFrame(
        {step: people[people.reached >= number].groupby("session_date").size() for number, step in enumerate(STEPS, 1)}
    ).fillna(0)
    bought = events[events.event_type == "purchase"].copy()
    bought["revenue"] = (bought.price * bought.quantity).round(2)
    revenue = bought.groupby(["event_date", "product_id"]).agg(
        buyers=("user_id", "nunique"),
        purchases=("event_id", "size"),
        units=("quantity", "sum"),
        revenue=("revenue", "sum"),
    )
    users = people.groupby("user_id").agg(
        first_seen=("session_date", "min"), last_seen=("session_date", "max"), sessions=("events", "size")
    )
    for name, table in {
        "sessions": sessions,
        "daily": daily,
        "funnel": funnel,
        "revenue": revenue,
        "users": users,
    }.items():
        table.reset_index().to_parquet(options.out / f"{name}.parquet")
    print(json.dumps({"marts": str(options.out)}))
