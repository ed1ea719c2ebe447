"""The jaffle shop at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gondola.cli.display import console, rows_table, status_text
from gondola.logs import configure_logs
from gondola.settings import get_settings

if TYPE_CHECKING:
    from tasks.jaffle_shop import JaffleShopReport

__all__ = ["print_jaffle_shop_report", "run_jaffle_shop"]


def run_jaffle_shop(source: str | None) -> JaffleShopReport:
    """Load the shop's files, build its models and publish them.

    Args:
        source: Folder or URI of the files; the settings' when None.

    Raises:
        GondolaError: The files can't be loaded, or the models fail.
    """
    configure_logs(get_settings())
    from flows.jaffle_shop import jaffle_shop

    return jaffle_shop(source)


def print_jaffle_shop_report(report: JaffleShopReport) -> None:
    """Say what a load came to, a line for each table."""
    if not report.is_news:
        console.print(f"{report.source}: nothing new; the models were built again.", highlight=False)
    else:
        rows = [(load.name, f"{report.rows[load.name]:,}", f"{report.rejected[load.name]:,}") for load in report.loads]
        console.print(rows_table(("table", "rows", "refused"), rows, title=f"Loaded from {report.source}"))
    console.print("Result:", status_text(report.status))
