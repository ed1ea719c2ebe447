"""The same load as one usually writes it with pandas: read all, check with masks, write a Parquet file a day."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

KINDS = ["view", "cart", "remove_from_cart", "purchase", "click", "search", "checkout"]
ABOUT_A_PRODUCT = ["view", "cart", "remove_from_cart", "purchase", "click"]
COLUMNS = ["event_id", "event_time", "event_type", "user_id", "session_id", "product_id", "category_id"]
COLUMNS += ["category_code", "brand", "price", "quantity", "order_id", "search_query", "page_url", "referrer"]
COLUMNS += ["utm_source", "utm_medium", "utm_campaign", "device", "country", "is_bot"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    if options.file.suffix == ".jsonl":
        frame = pd.read_json(options.file, lines=True, dtype={"user_id": str, "product_id": str})
    elif options.file.suffix == ".csv":
        frame = pd.read_csv(options.file, dtype={"user_id": str, "product_id": str})
    else:
        frame = pd.read_parquet(options.file)
    frame = frame.reindex(columns=COLUMNS)
    frame["event_time"] = pd.to_datetime(frame["event_time"], utc=True, errors="coerce", format="ISO8601")
    frame["source_row"] = range(1, len(frame) + 1)
    reasons = pd.Series("", index=frame.index)
    now = pd.Timestamp.now(tz="UTC")
    checks = {
        "event_type": ~frame["event_type"].isin(KINDS),
        "event_time": frame["event_time"].isna()
        | (frame["event_time"] > now + pd.Timedelta(days=1))
        | (frame["event_time"] < pd.Timestamp("2000-01-01", tz="UTC")),
        "user_id": frame["user_id"].isna() | (frame["user_id"].str.len() > 200),
        "product_id": frame["product_id"].isna() & frame["event_type"].isin(ABOUT_A_PRODUCT),
        "search_query": frame["search_query"].isna() & (frame["event_type"] == "search"),
        "price": (frame["price"] < 0) | (frame["price"] >= 10**9),
        "quantity": (frame["quantity"] < 1) | (frame["quantity"] > 10**6),
    }
    for field, wrong in checks.items():
        reasons = reasons.where(~wrong, reasons + field + " ")
    bad = frame[reasons != ""]
    good = frame[reasons == ""].copy()
    good["price"] = good["price"].round(2)
    good["event_date"] = good["event_time"].dt.tz_convert("America/Sao_Paulo").dt.date
    silver = options.out / "silver"
    for day, rows in good.groupby("event_date"):
        folder = silver / f"year={day.year}/month={day.month:02}/day={day.day:02}"
        folder.mkdir(parents=True)
        rows.to_parquet(folder / "events.parquet", compression="zstd", index=False)
    bad.assign(reason=reasons[reasons != ""]).to_parquet(options.out / "bad.parquet")
    print(json.dumps({"status": "complete", "valid": len(good), "rejected": len(bad), "silver": str(silver)}))
