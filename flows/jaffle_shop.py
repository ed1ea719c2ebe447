"""Load the jaffle shop's files with dlt, build its models, publish."""

from __future__ import annotations

from prefect import flow

from flows.transform import transform
from gondola.settings import get_settings
from tasks.jaffle_shop import JaffleShopReport, load_files
from tasks.logs import lines_in_run_log

__all__ = ["jaffle_shop"]


@flow(name="jaffle-shop", persist_result=False)
def jaffle_shop(source: str | None = None, *, build: bool = True) -> JaffleShopReport:
    """Load the three files, then build and publish the models.

    Args:
        source: The folder the files are in, on any storage; the settings' by default.
        build: Whether models are built and published after the load.

    Raises:
        DataContractError: The files can't be loaded; what was loaded before stays.
        TransformError: A model or a test failed; what was published before stays.
    """
    settings = get_settings()
    with lines_in_run_log():
        report = load_files(settings, source or settings.jaffle_shop_source)
        if build:
            transform(["jaffle_shop"])
    return report
