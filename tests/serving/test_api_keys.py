"""Who may use the API: keys, scopes, rates, and no door left open by mistake."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.serving.api import create_app
from gondola.serving.api.access import AUDIT_FILE, RateLimiter
from gondola.serving.api.keys import ApiKey, Keyring, Scope, create_key, read_keys, revoke_key
from gondola.settings import Settings
from tests.platform import Platform
from tests.servers import free_port
from tests.serving.versions import publish_version, settings_for


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_for(tmp_path).model_copy(update={"api_keys_file": tmp_path / "keys.yaml"})
    publish_version(made, 1)
    return made


@pytest.fixture
def client(settings: Settings) -> TestClient:
    return TestClient(create_app(settings, keyring=Keyring(settings.api_keys_file), allow_sql=True))


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_key_opens_what_its_scope_names(settings: Settings, client: TestClient) -> None:
    _, market = create_key(settings.api_keys_file, "bi")
    _, sql = create_key(settings.api_keys_file, "analyst", scopes=[Scope.SQL, Scope.OPERATIONS])
    assert client.get("/v1/stores", headers=bearer(market)).status_code == 200
    assert client.get("/v1/stores", headers={"X-API-Key": market}).status_code == 200
    assert client.get("/healthz").status_code == 200
    for headers in ({}, bearer("gondola_00000000_x"), bearer(market[:-1]), bearer(market + "x"), bearer("é")):
        try:
            answer = client.get("/v1/stores", headers=headers)
        except UnicodeEncodeError:
            continue
        assert (answer.status_code, answer.json()["type"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/v1/sql", json={"sql": "select 1"}, headers=bearer(market)).status_code == 403
    assert client.post("/v1/sql", json={"sql": "select 1"}, headers=bearer(sql)).status_code == 200
    assert client.get("/v1/stores", headers=bearer(sql)).status_code == 403
    for path in ("/metrics", "/v1/status", "/v1/runs", "/v1/events/kpis"):
        assert client.get(path, headers=bearer(market)).status_code == 403


def test_every_route_but_health_asks_for_a_key(client: TestClient) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, route in methods.items():
            answer = client.request(method, path.replace("{supermarket}", "a").replace("{sku_id}", "1"), json={})
            assert answer.status_code == (200 if path == "/healthz" else 401), path
            assert bool(route.get("security")) == (path != "/healthz"), path


def test_keys_end_and_can_be_revoked_while_the_api_runs(settings: Settings, client: TestClient) -> None:
    today = date.today()  # noqa: DTZ011 - a day either way does not matter
    _, over = create_key(settings.api_keys_file, "old", expires=today - timedelta(days=1))
    key, good = create_key(settings.api_keys_file, "new", expires=today + timedelta(days=2))
    assert client.get("/v1/stores", headers=bearer(over)).status_code == 401
    assert client.get("/v1/stores", headers=bearer(good)).status_code == 200
    revoke_key(settings.api_keys_file, key.id)
    assert client.get("/v1/stores", headers=bearer(good)).status_code == 401
    with pytest.raises(UnknownNameError):
        revoke_key(settings.api_keys_file, key.id)


def test_a_broken_key_file_lets_nobody_in(settings: Settings, client: TestClient) -> None:
    _, text = create_key(settings.api_keys_file, "bi")
    assert client.get("/v1/stores", headers=bearer(text)).status_code == 200
    settings.api_keys_file.write_text("keys: [{id: x, secret: hunter2}]")
    answer = client.get("/v1/stores", headers=bearer(text))
    assert (answer.status_code, "hunter2" in answer.text) == (503, False)
    with pytest.raises(ConfigurationError) as error:
        read_keys(settings.api_keys_file)
    assert "hunter2" not in str(error.value)


def test_the_file_holds_hashes_for_its_owner_only(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: create_key(settings.api_keys_file, f"k{n}"), range(16)))
    text = settings.api_keys_file.read_text()
    assert len(read_keys(settings.api_keys_file)) == 16
    assert not [key for _, key in made if key.split("_", 2)[2] in text]
    assert stat.S_IMODE(settings.api_keys_file.stat().st_mode) == 0o600
    document = yaml.safe_load(text)
    document["keys"].append(document["keys"][0])
    settings.api_keys_file.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigurationError, match="same id"):
        read_keys(settings.api_keys_file)


def test_a_bucket_fills_evenly() -> None:
    now = [100.0]
    limiter = RateLimiter(now=lambda: now[0])
    key = ApiKey(id="0" * 8, name="k", sha256="0" * 64, requests_per_minute=6)
    assert [limiter.take(key) for _ in range(6)] == [0] * 6
    assert limiter.take(key) == pytest.approx(10)
    now[0] += 9.9
    assert limiter.take(key) == pytest.approx(0.1)
    now[0] += 0.2
    assert limiter.take(key) == 0
    now[0] += 3600
    assert [bool(limiter.take(key)) for _ in range(7)] == [False] * 6 + [True]


def test_too_many_requests_are_told_to_wait(settings: Settings, client: TestClient) -> None:
    _, slow = create_key(settings.api_keys_file, "slow", requests_per_minute=3)
    _, other = create_key(settings.api_keys_file, "other")
    answers = [client.get("/v1/stores", headers=bearer(slow)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert client.get("/v1/stores", headers=bearer(other)).status_code == 200


def test_the_record_of_access_names_keys_and_holds_none(settings: Settings, client: TestClient) -> None:
    key, text = create_key(settings.api_keys_file, "bi")
    client.get("/v1/stores", headers=bearer(text))
    client.get("/v1/stores", params={"key": text}, headers=bearer(text))
    client.get("/v1/stores", headers=bearer("gondola_wrong_one"))
    log = (settings.logs / AUDIT_FILE).read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert [(line["key"], line["name"], line["status"]) for line in lines] == [
        (key.id, "bi", 200),
        (key.id, "bi", 422),
        (None, None, 401),
    ]
    assert text.split("_", 2)[2] not in log
    assert "wrong_one" not in log


def test_other_machines_are_let_in_only_with_keys(settings: Settings, tmp_path: Path) -> None:
    platform = Platform(tmp_path, extra={"GONDOLA_API_KEYS_FILE": str(settings.api_keys_file)})
    for host in ("0.0.0.0", "::", "example.test"):
        refused = platform.command("api", "--host", host, "--port", "0", timeout=60)
        assert refused.code == 2
        assert "gondola api-key create" in " ".join(refused.err.split())
    made = platform.command("api-key", "create", "bi", "--scope", "market", "--json")
    assert made.code == 0, made.err
    text, key_id = made.document["key"], made.document["id"]
    assert text not in platform.command("api-key", "list", "--json").out
    port = free_port()
    command = [sys.executable, "-m", "gondola", "api", "--host", "0.0.0.0", "--port", str(port)]
    environment = platform.environment | {"PATH": "/usr/bin"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()[1].decode()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert httpx.get(f"http://127.0.0.1:{port}/v1/stores").status_code == 401
        answer = httpx.get(f"http://127.0.0.1:{port}/v1/stores", headers=bearer(text))
        assert answer.status_code == 200, answer.text
        assert "server" not in answer.headers
        assert platform.command("api-key", "revoke", key_id).code == 0
        assert httpx.get(f"http://127.0.0.1:{port}/v1/stores", headers=bearer(text)).status_code == 401
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
