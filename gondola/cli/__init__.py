"""The `gondola` command.

Results go to standard output, everything for the eye to standard error. Exit codes: 0 success, 1 a failed
run, 2 bad usage, 3 a run that is partial.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gondola import clock
from gondola.cli import display, lifecycle
from gondola.cli.alerts import alerts_app
from gondola.cli.api import api, api_key_app
from gondola.cli.dashboard import dashboard
from gondola.cli.deploy import deploy
from gondola.cli.docs import docs
from gondola.cli.events_sandbox import sandbox_events
from gondola.cli.lake import lake_app
from gondola.cli.physical_product import sandbox_physical_product
from gondola.cli.publish import publish_app
from gondola.cli.quality import quality
from gondola.cli.recovery import add_recovery
from gondola.cli.report import report
from gondola.cli.retail_sales import athena_app, sandbox_retailers
from gondola.cli.sql import export, query
from gondola.errors import ConfigurationError, GondolaError
from gondola.logs import configure_logs
from gondola.settings import PROJECT_ROOT, get_settings

__all__ = ["app", "main"]

EXIT_CODES = {"complete": 0, "failed": 1, "partial": 3}
DEMO_HOME = PROJECT_ROOT / "data" / "demo"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="What every shelf charges: crawl, keep, model and show retail prices.",
)
stores_app = typer.Typer(no_args_is_help=True, help="The shops that are watched.")
sandbox_app = typer.Typer(no_args_is_help=True, help="The outside world, offline.")
app.add_typer(stores_app, name="stores")
app.add_typer(alerts_app, name="alerts")
app.add_typer(lake_app, name="lake")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(athena_app, name="athena")
app.command(epilog="Example: gondola quality --all")(quality)
app.command(epilog="Example: gondola api --port 8600")(api)
app.command(epilog='Example: gondola query "select * from market.dim_stores" --format csv')(query)
app.command(epilog="Example: gondola export market.dim_products --format xlsx --out products.xlsx")(export)
app.command(epilog="Example: gondola docs --serve")(docs)
app.command(epilog="Example: gondola report --days 7 --out week.xlsx")(report)
app.add_typer(api_key_app, name="api-key")
app.add_typer(publish_app, name="publish")
app.command(epilog="Example: gondola dashboard --port 8501")(dashboard)
app.add_typer(lifecycle.app, name="lifecycle")
app.command(epilog="Example: gondola deploy --dry-run")(deploy)
sandbox_app.command("events", epilog="Example: gondola sandbox events --out events --events 1000000 --days 30")(
    sandbox_events
)
sandbox_app.command("physical-product", epilog="Example: gondola sandbox physical-product --out maker --lines 100000")(
    sandbox_physical_product
)

sandbox_app.command("retailers", epilog="Example: gondola sandbox retailers --truth-file truth.json")(sandbox_retailers)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


class System(StrEnum):
    """The systems that can be run."""

    MARKET = "market"
    EVENTS = "events"
    JAFFLE_SHOP = "jaffle_shop"
    RETAIL_SALES = "retail_sales"
    PHYSICAL_PRODUCT = "physical_product"


# The options of `run` that only some systems have.
RUN_OPTIONS = {
    System.MARKET: {"--date", "--store", "--region"},
    System.EVENTS: {"--date", "--source"},
    System.JAFFLE_SHOP: {"--source"},
    System.RETAIL_SALES: {"--date", "--retailer"},
    System.PHYSICAL_PRODUCT: {"--date", "--source"},
}


def main() -> None:
    """Run the command; an error a person can act on is one line, without a traceback."""
    try:
        app()
    except GondolaError as error:
        # Escaped: what stands in square brackets, as in rules[bronze], would be taken for a colour and vanish.
        display.console.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, markup=True)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


@app.callback()
def _start(
    demo_world: Annotated[bool, typer.Option("--demo", help="Use the world that `gondola demo` made.")] = False,
) -> None:
    # Our own lines, or a live display, speak on the terminal; Prefect's console would say it all twice.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    if demo_world:
        use_demo_world()


def use_demo_world() -> None:
    """Point every setting that names a place at the demo's folder."""
    os.environ |= {
        "GONDOLA_LAKE": str(DEMO_HOME / "lake"),
        "GONDOLA_WAREHOUSE": str(DEMO_HOME / "warehouse" / "gondola.duckdb"),
        "GONDOLA_STORES_FILE": str(DEMO_HOME / "stores.yaml"),
        "GONDOLA_RETAILERS_FILE": str(DEMO_HOME / "retailers.yaml"),
        "GONDOLA_SPOOL": str(DEMO_HOME / "spool"),
        "GONDOLA_LOGS": str(DEMO_HOME / "logs"),
    }
    get_settings.cache_clear()


def _emit(document: Any) -> None:
    display.print_document(json.dumps(document, default=str, ensure_ascii=False, indent=2))


@app.command(epilog="Example: gondola demo")
def demo(as_json: AsJson = False) -> None:
    """Crawl the sandbox's stores for two days, build the models and show the result. Offline."""
    from gondola.cli.demo import run_demo

    use_demo_world()
    sys.exit(run_demo(DEMO_HOME, as_json=as_json))


@app.command(epilog="Example: gondola run market --store bistek --region florianopolis_costeira")
def run(
    system: Annotated[System, typer.Argument(help="Which system to run.")],
    business_date: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Business date; today by default.")
    ] = None,
    store: Annotated[list[str] | None, typer.Option(help="Store id; may be given more than once.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Region id; may be given more than once.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Where the files are: a folder, s3://… or az://…; the settings' by default.")
    ] = None,
    retailer: Annotated[list[str] | None, typer.Option(help="Retailer id; may be given more than once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a system's data, build its models and publish them."""
    _refuse_options_of_others(
        system,
        {"--date": business_date, "--store": store, "--region": region, "--source": source, "--retailer": retailer},
    )
    day = business_date.date() if business_date else None
    if system is System.EVENTS:
        from gondola.cli.events import print_events_report, run_events

        loaded = run_events(source, day)
        _finish(loaded, loaded.final_status, print_events_report, as_json=as_json)
    elif system is System.JAFFLE_SHOP:
        from gondola.cli.jaffle_shop import print_jaffle_shop_report, run_jaffle_shop

        shop = run_jaffle_shop(source)
        _finish(shop, shop.status, print_jaffle_shop_report, as_json=as_json)
    elif system is System.RETAIL_SALES:
        from gondola.cli.retail_sales import print_retail_report, run_retail_sales

        sold = run_retail_sales(day, retailer or [])
        _finish(sold, sold.status, print_retail_report, as_json=as_json)
    elif system is System.PHYSICAL_PRODUCT:
        from gondola.cli.physical_product import print_physical_product_report, run_physical_product

        made = run_physical_product(source, day)
        _finish(made, made.final_status, print_physical_product_report, as_json=as_json)
    else:
        from gondola.cli.market import print_report, run_market

        crawled = run_market(day, store or [], region or [], live=not as_json)
        _finish(crawled, crawled.status, print_report, as_json=as_json)


def _refuse_options_of_others(system: System, given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value and option not in RUN_OPTIONS[system]:
            owners = " and ".join(owner.value for owner, options in RUN_OPTIONS.items() if option in options)
            message = f"{option} is an option of {owners}, not of {system.value}"
            raise ConfigurationError(message)


def _finish(report: Any, status: str, show: Callable[[Any], None], *, as_json: bool) -> None:
    if as_json:
        _emit(report.as_document())
    else:
        show(report)
    sys.exit(EXIT_CODES[status])


@app.command(epilog="Example: gondola transform market --full-refresh")
def transform(
    systems: Annotated[list[System] | None, typer.Argument(help="Systems; all by default.")] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build incremental models anew.")] = False,
    accept_lost: Annotated[
        bool, typer.Option("--accept-lost", help="Leave out runs whose files are gone, instead of refusing.")
    ] = False,
    target: Annotated[str | None, typer.Option(help="dbt target: duckdb, or postgres.")] = None,
    accept_quality: Annotated[
        str | None, typer.Option(metavar="REASON", help="Publish in spite of the quality gate, for this reason.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build and test the models with dbt, judge what was built, then publish it."""
    if target:
        os.environ["GONDOLA_TARGET"] = target
        get_settings.cache_clear()
    configure_logs(get_settings())
    from flows.transform import transform as transform_flow
    from tasks.targets import TARGETS

    builds = TARGETS[get_settings().target].systems if get_settings().target in TARGETS else None
    names = [system.value for system in systems or []] or list(builds or [system.value for system in System])
    built = transform_flow(names, full_refresh=full_refresh, accept_lost=accept_lost, accept_quality=accept_quality)
    if as_json:
        _emit(asdict(built))
    else:
        display.console.print(f"{built.passed} models and tests passed in {built.seconds:.1f} s.")


@app.command(epilog="Example: gondola status --days 30")
def status(
    days: Annotated[int, typer.Option(min=1, max=366, help="Days of runs looked at.")] = 7, as_json: AsJson = False
) -> None:
    """Show freshness, coverage, the last transform, cost, alerts and storage."""
    from gondola.serving.status import read_status

    now = clock.now()
    found = read_status(get_settings(), days=days, now=now)
    if as_json:
        document = asdict(found)
        for scope, item in zip(document["scopes"], found.scopes, strict=True):
            scope["is_fresh"] = item.is_fresh(now)
        _emit(document)
        return
    from gondola.cli.status import print_status

    print_status(found, now)


@stores_app.command("list", epilog="Example: gondola stores list --json")
def stores_list(as_json: AsJson = False) -> None:
    """List the stores of the stores file."""
    from gondola.sources.stores import load_stores

    stores = load_stores(get_settings().stores_file)
    if as_json:
        _emit([store.model_dump(mode="json") for store in stores])
        return
    rows = [
        (
            s.id,
            s.name,
            s.platform,
            s.api,
            s.region_method.value,
            len(s.effective_regions),
            "yes" if s.enabled else "no",
            s.base_url,
        )
        for s in stores
    ]
    display.output.print(
        display.rows_table(("id", "name", "platform", "api", "region method", "regions", "enabled", "address"), rows)
    )


@stores_app.command("probe", epilog="Example: gondola stores probe --store bistek")
def stores_probe(
    store: Annotated[list[str] | None, typer.Option(help="Store id; all enabled ones by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask stores what they answer to, and which region method changes their prices."""
    from gondola.cli.market import print_probe, probe_stores

    configure_logs(get_settings(), stderr=False)
    reports = probe_stores(store or [])
    if as_json:
        _emit([asdict(report) for report in reports])
    else:
        for report in reports:
            print_probe(report)
    sys.exit(0 if all(report.ok for report in reports) else 1)


@sandbox_app.command("jaffle-shop", epilog="Example: gondola sandbox jaffle-shop --out shop --day 30")
def sandbox_jaffle_shop(
    out: Annotated[Path, typer.Option(help="Folder for the three CSV files.")],
    customers: Annotated[int, typer.Option(min=1, help="Customers of the shop.")] = 100,
    day: Annotated[int, typer.Option(min=1, help="Days since the shop opened.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop.")] = 2026,
    truth_file: Annotated[Path | None, typer.Option(help="Where what must come out is written.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the jaffle shop's books of a day."""
    from gondola.sandbox.jaffle_shop import JaffleShop

    shop = JaffleShop(customers=customers, day=day, seed=seed)
    shop.write(out)
    if truth_file:
        shop.write_truth(truth_file)
    rows = {name: len(table) for name, table in shop.tables().items()}
    if as_json:
        _emit({"folder": out, "rows": rows})
        return
    for name, count in rows.items():
        display.console.print(f"  {out / name}.csv  {count:,} rows", highlight=False)
    display.console.print(f"Load them with: gondola run jaffle_shop --source {out}", highlight=False, soft_wrap=True)


@sandbox_app.command("serve", epilog="Example: gondola sandbox serve --port 8700 --day 14")
def sandbox_serve(
    port: Annotated[
        int, typer.Option(min=0, max=65000, help="First port; each store takes one; 0 takes free ones.")
    ] = 8700,
    day: Annotated[int, typer.Option(min=0, help="Day of the world.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 2026,
    products: Annotated[int, typer.Option(min=50, help="Products a store, about.")] = 3000,
    faults: Annotated[float, typer.Option(min=0, max=0.9, help="Share of answers that go wrong.")] = 0.0,
    stores_file: Annotated[Path, typer.Option(help="Where the matching stores file is written.")] = Path(
        "sandbox-stores.yaml"
    ),
    truth_file: Annotated[Path | None, typer.Option(help="Where the planted truths are written.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve fake stores that speak VTEX's protocol, until interrupted."""
    from gondola.sandbox import Sandbox, run_server

    def announce(sandbox: Sandbox) -> None:
        addresses = {store["id"]: store["base_url"] for store in sandbox.stores_document()["stores"]}
        if as_json:
            _emit({"stores": addresses, "date": sandbox.date, "stores_file": stores_file})
            sys.stdout.flush()
            return
        for name, address in addresses.items():
            display.console.print(f"  {name:<10} {address}", highlight=False)
        display.console.print(
            f"Crawl them with: GONDOLA_STORES_FILE={stores_file} gondola run market --date {sandbox.date}",
            highlight=False,
            soft_wrap=True,
        )

    run_server(
        port=port,
        day=day,
        seed=seed,
        products=products,
        faults=faults,
        stores_file=stores_file,
        truth_file=truth_file,
        announce=announce,
    )


add_recovery(app)
