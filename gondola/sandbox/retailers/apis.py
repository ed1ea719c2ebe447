"""The three APIs: who may ask, how pages follow each other, and what goes wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from gondola.sandbox.chance import draw
from gondola.sandbox.retailers.formats import alfa_rows, boreal_orders, costa_csv, costa_rows
from gondola.sandbox.retailers.sales import Chain

if TYPE_CHECKING:
    from gondola.sandbox.retailers.server import RetailerSandbox

__all__ = ["SECRETS", "Api", "make_apis"]

# The sandbox's own: they open nothing but it.
SECRETS = {
    "SANDBOX_ALFA_KEY": "alfa-key-of-the-sandbox",
    "SANDBOX_BOREAL_ID": "boreal-client",
    "SANDBOX_BOREAL_SECRET": "boreal-secret-of-the-sandbox",
    "SANDBOX_COSTA_ID": "costa-key-1",
    "SANDBOX_COSTA_SECRET": "costa-secret-of-the-sandbox",
}
_TIMESTAMP_SECONDS = 300


class Api(ABC):
    """One retailer's API."""

    chain_id: ClassVar[str]
    path: ClassVar[str]

    def __init__(self, sandbox: RetailerSandbox) -> None:
        self._sandbox = sandbox
        self.seen: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._pages = 0
        self._rows = lru_cache(maxsize=8)(self.rows)

    @property
    def chain(self) -> Chain:
        """The retailer."""
        return self._sandbox.world.chain(self.chain_id)

    def entry(self, base_url: str) -> dict[str, Any]:
        """It in a retailers file."""
        return {
            "id": self.chain_id,
            "name": self.chain.name,
            "api": self.chain_id,
            "base_url": base_url,
            "time_zone": self.chain.zone,
            "page_size": self._sandbox.page_size,
            "requests_per_second": 500,
            "secrets": self.secrets,
        }

    @property
    @abstractmethod
    def secrets(self) -> dict[str, str]:
        """Names of the variables that hold its secrets."""

    @abstractmethod
    def rows(self, day: date) -> Sequence[Any]:
        """All rows (or orders) of the answer for a day."""

    @abstractmethod
    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to who may not ask."""

    @abstractmethod
    def asked(self, request: web.Request) -> tuple[date, int, int]:
        """The day, the place of the page's first row and the page's size."""

    @abstractmethod
    def page(self, rows: Sequence[Any], *, day: date, first: int, size: int, total: int, missing: int) -> web.Response:
        """A page; `missing` rows are left out of it that it says are there."""

    def application(self) -> web.Application:
        """The API as a web application."""
        app = web.Application()
        app.router.add_get(self.path, self._get)
        return app

    async def _get(self, request: web.Request) -> web.StreamResponse:
        response = await self._answer(request)
        self.seen[str(response.status)] += 1
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        faults = self._sandbox.faults
        if self.chain_id in faults.outages:
            return web.Response(status=503)
        refusal = self.refusal(request)
        if refusal is not None:
            return refusal
        fault = faults.pick(self.chain_id, request.raw_path, self._asked)
        if fault is not None:
            self.seen[f"fault {fault}"] += 1
        if fault == "429":
            return web.Response(status=429, headers={"Retry-After": str(faults.retry_after)})
        broken_after = faults.broken_after.get(self.chain_id)
        self._pages += 1
        if fault == "500" or (broken_after is not None and self._pages > broken_after):
            return web.Response(status=500, text="internal error")
        try:
            day, first, size = self.asked(request)
        except (KeyError, ValueError) as error:
            return web.Response(status=400, text=f"bad request: {error}")
        size = min(size, self._sandbox.page_size)
        rows = list(self._rows(day))
        if self.chain_id in faults.repeated_pages:  # the second page comes twice, and is counted twice
            rows = rows[: 2 * size] + rows[size:]
        response = self.page(
            rows[first : first + size],
            day=day,
            first=first,
            size=size,
            total=len(rows),
            missing=3 if fault == "short" else 0,
        )
        return await _cut(request, response) if fault == "cut" else response


class Alfa(Api):
    """A key in a header; JSON; numbered pages."""

    chain_id = "alfa"
    path = "/v1/sales"

    @property
    def secrets(self) -> dict[str, str]:
        """Names of the variables that hold its secrets."""
        return {"api_key": "SANDBOX_ALFA_KEY"}

    def rows(self, day: date) -> Sequence[Any]:
        """Flat rows."""
        return alfa_rows(self._sandbox.world, day)

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 without the key."""
        given = request.headers.get("X-Api-Key", "")
        if hmac.compare_digest(given.encode(), SECRETS["SANDBOX_ALFA_KEY"].encode()):
            return None
        return web.json_response({"error": f"unknown key {given!r}"}, status=401)

    def asked(self, request: web.Request) -> tuple[date, int, int]:
        """From date, page and page_size."""
        size = min(int(request.query["page_size"]), self._sandbox.page_size)
        return date.fromisoformat(request.query["date"]), (int(request.query["page"]) - 1) * size, size

    def page(self, rows: Sequence[Any], *, day: date, first: int, size: int, total: int, missing: int) -> web.Response:
        """Rows, with the number of pages and of all rows."""
        document = {
            "date": day.isoformat(),
            "page": first // size + 1,
            "pages": -(-total // size),
            "total": total,
            "count": len(rows),
            "items": rows[: max(0, len(rows) - missing)],
        }
        return web.json_response(document, dumps=lambda value: json.dumps(value, ensure_ascii=False))


class Boreal(Api):
    """OAuth2 client credentials, tokens that expire; nested JSON; a cursor."""

    chain_id = "boreal"
    path = "/orders"

    def __init__(self, sandbox: RetailerSandbox) -> None:
        super().__init__(sandbox)
        self._token_uses: dict[str, int] = {}

    @property
    def secrets(self) -> dict[str, str]:
        """Names of the variables that hold its secrets."""
        return {"client_id": "SANDBOX_BOREAL_ID", "client_secret": "SANDBOX_BOREAL_SECRET"}

    def application(self) -> web.Application:
        """The API, and where its tokens come from."""
        app = super().application()
        app.router.add_post("/oauth/token", self._give_token)
        return app

    async def _give_token(self, request: web.Request) -> web.Response:
        if self.chain_id in self._sandbox.faults.outages:
            return web.Response(status=503)
        form = await request.post()
        right = (form.get("client_id"), form.get("client_secret")) == (
            SECRETS["SANDBOX_BOREAL_ID"],
            SECRETS["SANDBOX_BOREAL_SECRET"],
        )
        if form.get("grant_type") != "client_credentials" or not right:
            return web.json_response({"error": "invalid_client", "got": dict(form)}, status=401)
        token = f"{draw('token', len(self._token_uses)):016x}"
        self._token_uses[token] = 0
        self.seen["tokens"] += 1
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 600})

    def rows(self, day: date) -> Sequence[Any]:
        """Orders."""
        return boreal_orders(self._sandbox.world, day)

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 without a token, or with one that was used too often."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._token_uses:
            return web.json_response({"error": "invalid_token"}, status=401)
        self._token_uses[token] += 1
        most = self._sandbox.faults.token_uses
        if most is not None and self._token_uses[token] > most:
            self.seen["expired"] += 1
            return web.json_response({"error": "token_expired"}, status=401)
        return None

    def asked(self, request: web.Request) -> tuple[date, int, int]:
        """From the span in UTC, which must be a day where the chain is, and the cursor."""
        zone = ZoneInfo(self.chain.zone)
        first = datetime.fromisoformat(request.query["from"]).astimezone(zone)
        last = datetime.fromisoformat(request.query["to"]).astimezone(zone)
        if first.time() != last.time() or first.hour or (last.date() - first.date()).days != 1:
            message = "from and to must be a whole day of the shops"
            raise ValueError(message)
        cursor = request.query.get("cursor")
        place = int(base64.urlsafe_b64decode(cursor).decode()) if cursor else 0
        return first.date(), place, int(request.query["limit"])

    def page(self, rows: Sequence[Any], *, day: date, first: int, size: int, total: int, missing: int) -> web.Response:  # noqa: ARG002
        """Orders, with the cursor of those that follow."""
        after = first + size
        cursor = base64.urlsafe_b64encode(str(after).encode()).decode() if after < total else None
        document = {"data": rows[: max(0, len(rows) - missing)], "count": len(rows), "next_cursor": cursor}
        return web.json_response(document, dumps=lambda value: json.dumps(value, ensure_ascii=False))


class Costa(Api):
    """Signed requests; CSV; a Link header."""

    chain_id = "costa"
    path = "/export/sales.csv"

    @property
    def secrets(self) -> dict[str, str]:
        """Names of the variables that hold its secrets."""
        return {"key_id": "SANDBOX_COSTA_ID", "secret": "SANDBOX_COSTA_SECRET"}

    def rows(self, day: date) -> Sequence[Any]:
        """Rows of text."""
        return costa_rows(self._sandbox.world, day)

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 when the signature is wrong, or its time too long ago."""
        stamp = request.headers.get("X-Costa-Timestamp", "")
        signed = f"{request.method}\n{request.raw_path}\n{stamp}".encode()
        wanted = hmac.new(SECRETS["SANDBOX_COSTA_SECRET"].encode(), signed, hashlib.sha256).hexdigest()
        given = request.headers.get("X-Costa-Signature", "")
        if request.headers.get("X-Costa-Key") != SECRETS["SANDBOX_COSTA_ID"] or not hmac.compare_digest(given, wanted):
            return web.Response(status=401, text="wrong signature")
        if not stamp.isdigit() or abs(self._sandbox.now() - int(stamp)) > _TIMESTAMP_SECONDS:
            return web.Response(status=401, text="the signature is too old")
        return None

    def asked(self, request: web.Request) -> tuple[date, int, int]:
        """From day, offset and limit."""
        return (
            date.fromisoformat(request.query["day"]),
            int(request.query.get("offset", "0")),
            int(request.query["limit"]),
        )

    def page(self, rows: Sequence[Any], *, day: date, first: int, size: int, total: int, missing: int) -> web.Response:
        """A CSV, the number of its rows and the address of the next one."""
        headers = {"X-Row-Count": str(len(rows))}
        if first + size < total:
            query = urlencode({"day": day.isoformat(), "offset": first + size, "limit": size})
            headers["Link"] = f'<{self.path}?{query}>; rel="next"'
        text = costa_csv(rows[: max(0, len(rows) - missing)])
        return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)


def make_apis(sandbox: RetailerSandbox) -> dict[str, Api]:
    """The three, by retailer."""
    return {api.chain_id: api(sandbox) for api in (Alfa, Boreal, Costa)}


async def _cut(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Send the head and half of the body, then hang up."""
    body = response.body if isinstance(response.body, bytes) else b""
    broken = web.StreamResponse(status=response.status, headers=response.headers)
    broken.content_length = len(body)
    broken.force_close()
    await broken.prepare(request)
    await broken.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return broken
