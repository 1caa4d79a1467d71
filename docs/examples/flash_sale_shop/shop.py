#!/usr/bin/env python3
"""A flash-sale shop: one page, one SKU, one small server. Standard library only.

    browser --- POST /buy ---> this server --- POST /v1/holds, /v1/holds/ORDER/confirm ---> onhand

The browser never sees the token of the API, and cannot choose SKU, price or quantity: it says which
buyer it is, and this server asks for a hold under a key made from that. A buyer who clicks twice,
reloads, or whose answer got lost gets the same answer again: one unit, or sold out.

    ONHAND_HTTP=http://127.0.0.1:7172 ONHAND_TOKEN=oh_... SHOP_SKU=mug-red python3 shop.py

SHOP_LISTEN (127.0.0.1:8080; port 0 takes any), SHOP_SKU (mug-red), SHOP_PRICE (1990, minor units),
SHOP_CURRENCY (978, ISO 4217), SHOP_SALE (a name: a buyer buys once in each sale), ONHAND_TENANT
(default), ONHAND_TOKEN (none: the server trusts this machine).
"""

import hashlib
import http.cookies
import http.server
import json
import os
import pathlib
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ONHAND = os.environ.get("ONHAND_HTTP", "http://127.0.0.1:7172").rstrip("/")
TENANT = os.environ.get("ONHAND_TENANT", "default")
TOKEN = os.environ.get("ONHAND_TOKEN", "")
LISTEN = os.environ.get("SHOP_LISTEN", "127.0.0.1:8080")
SKU = os.environ.get("SHOP_SKU", "mug-red")
PRICE = int(os.environ.get("SHOP_PRICE", "1990"))
CURRENCY = int(os.environ.get("SHOP_CURRENCY", "978"))
SALE = os.environ.get("SHOP_SALE", "sale-1")
PAGE = pathlib.Path(__file__).with_name("index.html").read_bytes()

HOLD_MS = 120_000
TRIES = 4
BODY_BYTES_MAX = 1_024
SOLD_OUT = ("INSUFFICIENT_STOCK", "QUOTA_EXHAUSTED", "NOT_ON_SALE")


class Busy(Exception):
    """Onhand gave no answer; the same request may be sent again."""


def ask(method: str, path: str, body=None, key: str = ""):
    """Asks Onhand, again with the same key while it is busy: (status, JSON)."""
    headers = {"Content-Type": "application/json", "Onhand-Tenant": TENANT}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    if key:
        headers["Idempotency-Key"] = key
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ONHAND + path, data=data, headers=headers, method=method)
    for attempt in range(TRIES):
        wait_s = 0.1 * 2 ** attempt
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 503):
                return refused.code, json.load(refused)
            wait_s = min(float(refused.headers.get("Retry-After", wait_s)), 2.0)
        except OSError:
            pass
        time.sleep(wait_s)
    raise Busy()


def key_of(buyer: str) -> str:
    """The order's key: one for each buyer and sale, so that everything is safe to repeat."""
    return hashlib.sha256(f"flash-sale-shop {SALE} {buyer}".encode()).hexdigest()[:32]


def buy(buyer: str) -> dict:
    """Holds one unit and confirms it: what the buyer is told."""
    order = key_of(buyer)
    wanted = {
        "order": order, "currency": CURRENCY, "total": PRICE, "ttl_ms": HOLD_MS,
        "lines": [{"sku": SKU, "quantity": 1}],
    }
    status, answer = ask("POST", "/v1/holds", wanted)
    if answer.get("code") in SOLD_OUT:
        return {"result": "sold out"}
    if status not in (200, 201):
        return {"result": "no", "why": answer.get("detail", "")}
    # Here a real shop takes the money, while the unit is held for this buyer alone.
    status, answer = ask("POST", f"/v1/holds/{order}/confirm", key=f"confirm {order}")
    if status == 200 or answer.get("code") == "ALREADY_CONFIRMED":
        return {"result": "yours", "order": order}
    return {"result": "no", "why": answer.get("detail", "")}


class Shop(http.server.BaseHTTPRequestHandler):
    """The page, what is left, and the button."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def parse_request(self) -> bool:
        """Reads the head; a connection may carry several buyers where a proxy is in front."""
        if not super().parse_request():
            return False
        cookies = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        known = cookies["buyer"].value if "buyer" in cookies else ""
        self.is_new = len(known) != 32
        self.buyer = secrets.token_hex(16) if self.is_new else known
        return True

    def do_GET(self):  # noqa: N802 (the name is the library's)
        """`/` and `/left`."""
        if self.path == "/":
            self.answer(200, PAGE, "text/html; charset=utf-8")
        elif self.path == "/left":
            self.tell(self.left)
        else:
            self.answer(404, b"not found", "text/plain")

    def do_POST(self):  # noqa: N802
        """`/buy`."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            self.answer(413, b"too large", "text/plain")
            return
        self.rfile.read(length)
        # A form of another site sends no header of its own: only this page's script does.
        if self.path != "/buy" or self.headers.get("X-Shop") != "1":
            self.answer(404, b"not found", "text/plain")
            return
        self.tell(lambda: buy(self.buyer))

    def left(self) -> dict:
        """Units that are still for sale."""
        status, answer = ask("GET", f"/v1/stock/{urllib.parse.quote(SKU, safe='')}")
        return {"sku": SKU, "left": answer.get("available", 0) if status == 200 else 0}

    def tell(self, make):
        """Answers with JSON, or that it is too busy."""
        try:
            status, told = 200, make()
        except Busy:
            status, told = 503, {"result": "busy"}
        self.answer(status, json.dumps(told).encode(), "application/json")

    def answer(self, status: int, body: bytes, kind: str):
        """One whole answer."""
        self.send_response(status)
        if self.is_new and status == 200:
            # A random word, so that a buyer who comes again is the same one.
            self.send_header(
                "Set-Cookie", f"buyer={self.buyer}; Path=/; HttpOnly; SameSite=Strict")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Nothing: a sale has too many requests for a terminal."""


def main() -> int:
    """Serves until it is interrupted."""
    host, _, port = LISTEN.rpartition(":")
    http.server.ThreadingHTTPServer.request_queue_size = 512
    server = http.server.ThreadingHTTPServer((host, int(port)), Shop)
    print(f"the shop is open: http://{host}:{server.server_address[1]}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
