"""The maker's files: the same to the byte for the same seed, and what they say of themselves is so."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from gondola.sandbox.physical_product import DOMAINS, ProductWorld


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    made = [ProductWorld(seed=seed, lines=800, days=5).write(tmp_path / f"{n}") for n, seed in enumerate((3, 3, 4))]
    same, again, other = ([path.read_bytes() for path in one.files] for one in made)
    assert same == again
    assert made[0].truth == made[1].truth
    assert all(mine != theirs for mine, theirs in zip(same, other, strict=True))


def test_the_truth_counts_the_rows_that_are_there(tmp_path: Path) -> None:
    made = ProductWorld(seed=9, lines=1500, days=30, faults=2, orphans=1).write(tmp_path)
    rows = {}
    for name in DOMAINS:
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows[name] = list(csv.DictReader(file))
    assert {name: len(found) for name, found in rows.items()} == made.rows
    bad = {(one["table"], one["row"]) for one in made.truth["refused"]}
    assert len(bad) == len(made.truth["refused"])
    good = [row for number, row in enumerate(rows["orders"], 1) if ("orders", number) not in bad]
    stray = [row for row in good if row["order_id"].startswith(("OP", "OK"))]
    assert len(stray) == 2
    sold = [row for row in good if row not in stray and row["status"] != "cancelled"]
    gross = sum(int(row["quantity"]) * Decimal(row["unit_price"]) for row in sold)
    assert gross == Decimal(made.truth["totals"]["gross_cents"]) / 100
    products = {row["product_id"] for row in rows["products"]}
    assert {row["product_id"] for row in good} - products == {"P-GHOST-0"}
    assert not made.truth["unit_costs"]["C-RING-1"]
    assert len(made.truth["anomalies"]) == 4
    assert not ProductWorld(seed=9, lines=600, days=10).write(tmp_path / "short").truth["anomalies"]
