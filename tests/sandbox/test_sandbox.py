from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

import gondola.sandbox
from gondola.sandbox import Sandbox


def test_stores_file_is_one_that_the_product_reads(sandbox: Sandbox, tmp_path: Path) -> None:
    from gondola.sources.stores import load_stores

    path = sandbox.write_stores_file(tmp_path / "stores.yaml")
    stores = {store.id: store for store in load_stores(path)}
    assert {store.id: (store.api, store.region_method) for store in stores.values()} == {
        "aurora": ("legacy", "segment_v2"),
        "mirante": ("is_v1", "search_region"),
        "pampa": ("legacy", "sales_channel"),
        "serra": ("is", "none"),
    }
    assert [region.sales_channel for region in stores["pampa"].regions] == [1, 2]
    assert len(stores["aurora"].regions) == 4
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == sandbox.stores_document()


def test_it_imports_nothing_else_of_the_product() -> None:
    folder = Path(gondola.sandbox.__file__).parent
    foreign = re.compile(r"^\s*(?:from|import) (?:storage|flows|tasks|gondola(?!\.sandbox))\b", re.MULTILINE)
    for path in folder.glob("*.py"):
        assert not foreign.search(path.read_text(encoding="utf-8")), path


def test_ports_can_be_chosen_and_are_given_back() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in range(2):
        with Sandbox(products=20, ports={"serra": port}) as sandbox:
            assert sandbox.base_url("serra") == f"http://127.0.0.1:{port}"


def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address"), Sandbox(products=20, ports={"serra": taken.getsockname()[1]}):
            pass


def test_what_a_client_can_unpack_comes_packed(sandbox: Sandbox) -> None:
    url = f"{sandbox.base_url('aurora')}/api/catalog_system/pub/products/search?_from=0&_to=49"
    plain = urllib.request.urlopen(url).read()
    packed = urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"}))
    body = packed.read()
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(body) * 5 < len(plain)
    assert len(plain) / 50 > 4000
    assert len(json.loads(plain)) == 50


def test_a_server_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gondola.sandbox import run_server\n"
        "run_server(port=0, day=20, products=40, stores_file=Path(sys.argv[1]), truth_file=Path(sys.argv[2]),\n"
        "           announce=lambda sandbox: print(sandbox.base_url('aurora'), flush=True))"
    )
    stores, truth = tmp_path / "stores.yaml", tmp_path / "truth.json"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(stores), str(truth)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert b"channel" in urllib.request.urlopen(f"{url}/api/segments").read()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(truth.read_text(encoding="utf-8"))["first_day"] == 6
    assert stores.exists()
