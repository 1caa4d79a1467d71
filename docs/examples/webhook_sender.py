#!/usr/bin/env python3
"""Sends order webhooks as Shopify and WooCommerce do: signed over the raw bytes, with the
platform's headers, and again (or not) as the platform does. Standard library only.

    export WEBHOOK_SECRET=...        # the secret that the server has for this channel
    python3 webhook_sender.py http://127.0.0.1:7172 shopify eu.myshopify.com --sku mug-red
    python3 webhook_sender.py http://127.0.0.1:7172 woocommerce tea --sku mug-red --order 727
    python3 webhook_sender.py http://127.0.0.1:7172 shopify eu.myshopify.com --order 5551 \\
        --event cancelled

Exit status: 0 delivered, 1 given up, 2 wrong arguments.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import NamedTuple, Optional


class Platform(NamedTuple):
    """How a marketplace delivers."""
    timeout_s: float
    # Seconds before each further try. Shopify documents 8 tries more within 4 hours, not their
    # spacing. WooCommerce tries once: what is lost has to be asked for by its API.
    waits_s: tuple
    accepts: range


PLATFORMS = {
    "shopify": Platform(5, (60, 180, 480, 960, 1_800, 2_700, 3_600, 4_620), range(200, 300)),
    "woocommerce": Platform(60, (), range(200, 303)),
}


class Order(NamedTuple):
    """What was bought."""
    id: int
    sku: str
    quantity: int
    price_minor: int
    currency: str


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer, not another place to go."""

    def redirect_request(self, *_args, **_kwargs):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 over the bytes as they are sent, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def decimal(minor: int) -> str:
    """Minor units of a currency with two decimals, as marketplaces write them."""
    return f"{minor // 100}.{minor % 100:02}"


def shopify(order: Order, event: str, shop: str, now: datetime.datetime):
    """Headers and body of a delivery of Shopify."""
    stamp = now.isoformat(timespec="seconds")
    topic = {"created": "create", "updated": "updated", "cancelled": "cancelled"}[event]
    body = {
        "id": order.id, "name": f"#{order.id}", "email": "ana@example.com",
        "created_at": stamp, "updated_at": stamp,
        "cancelled_at": stamp if event == "cancelled" else None,
        "cancel_reason": "customer" if event == "cancelled" else None,
        "currency": order.currency, "total_price": decimal(order.quantity * order.price_minor),
        "financial_status": "paid", "fulfillment_status": None,
        "customer": {"id": 7771112223334, "first_name": "Ana", "last_name": "Ruiz"},
        "shipping_address": {
            "first_name": "Ana", "last_name": "Ruiz", "address1": "Calle Sol 4",
            "city": "Madrid", "province_code": "M", "zip": "28013", "country_code": "ES"},
        "line_items": [{
            "id": order.id * 10 + 1, "variant_id": None, "sku": order.sku, "title": order.sku,
            "quantity": order.quantity, "price": decimal(order.price_minor)}],
    }
    headers = {
        "X-Shopify-Topic": f"orders/{topic}",
        "X-Shopify-Shop-Domain": shop,
        # One delivery: the same over its retries.
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-API-Version": "2026-10",
    }
    return headers, json.dumps(body).encode(), "X-Shopify-Hmac-Sha256"


def woocommerce(order: Order, event: str, shop: str, now: datetime.datetime):
    """Headers and body of a delivery of WooCommerce."""
    stamp = now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    # There is no topic for cancellations: they are updates.
    topic = "order.created" if event == "created" else "order.updated"
    address = {
        "first_name": "Joe", "last_name": "Hill", "address_1": "1 High St", "city": "Leeds",
        "postcode": "LS1 1AA", "country": "GB"}
    body = {
        "id": order.id, "number": str(order.id),
        "status": "cancelled" if event == "cancelled" else "processing",
        "currency": order.currency, "date_created_gmt": stamp, "date_modified_gmt": stamp,
        "total": decimal(order.quantity * order.price_minor), "customer_id": 0,
        "payment_method": "stripe", "transaction_id": "",
        "billing": {**address, "email": "joe@example.com"}, "shipping": address,
        "line_items": [{
            "id": 1, "name": order.sku, "product_id": 0, "variation_id": 0, "sku": order.sku,
            "quantity": order.quantity, "total": decimal(order.quantity * order.price_minor),
            "price": order.price_minor / 100}],
    }
    headers = {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Source": f"https://{shop}.example/",
        "X-WC-Webhook-Delivery-ID": hashlib.md5(stamp.encode()).hexdigest(),
    }
    return headers, json.dumps(body).encode(), "X-WC-Webhook-Signature"


def send_once(url: str, headers: dict, body: bytes, timeout_s: float) -> Optional[int]:
    """The status of the answer; None where there was none in time."""
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with OPENER.open(request, timeout=timeout_s) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def deliver(platform: Platform, url: str, headers: dict, body: bytes, speed: float) -> bool:
    """Sends until it is taken or the platform gives up: always the same bytes."""
    for number, wait_s in enumerate((0,) + platform.waits_s, start=1):
        time.sleep(wait_s / speed)
        status = send_once(url, headers, body, platform.timeout_s)
        print(f"try {number}: {status or 'no answer'}", flush=True)
        if status in platform.accepts:
            return True
    return False


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description="Sends an order webhook, signed with the environment's WEBHOOK_SECRET.")
    parser.add_argument("server", help="such as http://127.0.0.1:7172")
    parser.add_argument("platform", choices=sorted(PLATFORMS))
    parser.add_argument("shop", help="as `shop` in the channels file")
    parser.add_argument("--order", type=int, default=5_551, help="the marketplace's order id")
    parser.add_argument("--sku", default="mug-red")
    parser.add_argument("--quantity", type=int, default=1)
    parser.add_argument("--price", type=int, default=1_990, help="of a unit, in minor units")
    parser.add_argument("--currency", default="EUR")
    parser.add_argument("--event", choices=["created", "updated", "cancelled"], default="created")
    parser.add_argument("--speed", type=float, default=1.0,
                        help="how many times faster than the platform it tries again")
    return parser.parse_args()


def main() -> int:
    """Makes the delivery, signs it, sends it."""
    said = arguments()
    secret = os.environ.get("WEBHOOK_SECRET", "")
    if not secret:
        print("set WEBHOOK_SECRET to the channel's webhook secret", file=sys.stderr)
        return 2
    order = Order(said.order, said.sku, said.quantity, said.price, said.currency)
    make = {"shopify": shopify, "woocommerce": woocommerce}[said.platform]
    now = datetime.datetime.now(datetime.timezone.utc)
    headers, body, signature_header = make(order, said.event, said.shop, now)
    headers["Content-Type"] = "application/json"
    headers[signature_header] = signature(secret, body)
    shop = urllib.parse.quote(said.shop, safe="")
    url = f"{said.server.rstrip('/')}/webhooks/{said.platform}/{shop}"
    platform = PLATFORMS[said.platform]
    if deliver(platform, url, headers, body, said.speed):
        print(f"order {order.id} {said.event}: delivered")
        return 0
    print(f"order {order.id} {said.event}: given up", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
