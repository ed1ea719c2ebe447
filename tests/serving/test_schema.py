"""The API keeps to its own description, whatever it is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gondola.serving.api import create_app
from gondola.serving.api.keys import Keyring, Scope, create_key
from tests.serving.conftest import Published

Headers = dict[str, str]


@pytest.fixture(scope="module")
def keyed(published: Published, tmp_path_factory: pytest.TempPathFactory) -> tuple[FastAPI, Headers]:
    home = tmp_path_factory.mktemp("schema")
    _, text = create_key(home / "keys.yaml", "tester", scopes=list(Scope), requests_per_minute=100_000)
    changed = published.settings.model_copy(update={"logs": home})
    app = create_app(changed, keyring=Keyring(home / "keys.yaml"), allow_sql=True)
    return app, {"Authorization": f"Bearer {text}"}


def check(keyed: tuple[FastAPI, Headers], examples: int) -> None:
    """Ask every route what its description allows, and what it does not."""
    app, headers = keyed
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    broken: dict[str, str] = {}
    routes = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        routes += 1
        for mode in schemathesis.GenerationMode:
            try:
                cases = operation.as_strategy(generation_mode=mode)
                _asking(cases, headers, examples)()
            except Unsatisfiable:
                assert mode.value == "negative", operation.label  # nothing can be asked wrongly of some
            except BaseExceptionGroup as error:
                broken[f"{operation.label} {mode.value}"] = str(error)[:2500]
    assert routes > 25
    assert not broken, "\n\n".join(f"{route}: {what}" for route, what in broken.items())


def _asking(cases: object, headers: Headers, examples: int) -> Callable[[], None]:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)  # type: ignore[arg-type]
    def ask(case: schemathesis.Case) -> None:
        # A description can't say what a cursor, a barcode or a statement must be to be good.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    return ask


def test_every_route_keeps_to_its_description(keyed: tuple[FastAPI, Headers]) -> None:
    check(keyed, examples=3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_route_keeps_to_its_description_deeply(keyed: tuple[FastAPI, Headers]) -> None:
    check(keyed, examples=100)


def test_every_route_has_an_example_and_says_its_errors(keyed: tuple[FastAPI, Headers]) -> None:
    for path, methods in keyed[0].openapi()["paths"].items():
        for method, route in methods.items():
            if not path.startswith("/v1/"):
                continue
            assert route.get("description"), path
            assert {"401", "403", "404", "422", "429", "503"} <= route["responses"].keys(), path
            answers = route["responses"]["200"]["content"]["application/json"]
            assert path == "/v1/status" or answers["example"]["data"], (method, path)
            assert route["responses"]["404"]["content"].keys() == {"application/problem+json"}, path
