"""Starts a server and its sandbox, seeds them, and runs schemathesis for every role."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BINARY, SCHEMATHESIS = map(os.path.abspath, sys.argv[1:3])
HOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemathesis_hooks.py")
TENANT = "acme"
ROLES = ["read-only", "connector", "operator", "admin"]
COVERED_MIN = 0.9
# Business refusals of well-formed requests are part of the contract.
CONFIG = f"""
hooks = {json.dumps(HOOKS)}

[checks]
positive_data_acceptance.expected-statuses = ["2xx", 304, 401, 403, 404, 409, 412, 422, 429, 503]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 429]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
"""


# A shop whose webhooks are believed, and a subscriber that nobody serves.
SHOP_SECRET = "schemathesis-shop"
CHANNELS = """
[[channel]]
number = 4
name = "eu"
kind = "shopify"
tenant = "{tenant}"
shop = "eu.example"
webhook_secrets = [{{ file = "{secret}" }}]
"""
SUBSCRIBERS = """
[[subscriber]]
name = "crm"
tenant = "{tenant}"
url = "http://127.0.0.1:9/events"
secrets = [{{ file = "{key}" }}]
"""


class Server:
    """A child process that says on its first lines where it is."""

    def __init__(self, command, pattern):
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.child.stdout:
            found = re.search(pattern, line)
            if found:
                self.address = found.group(1)
                return
        sys.exit(f"{command} ended with {self.child.wait()}")

    def stop(self):
        self.child.terminate()
        self.child.wait(timeout=60)


def ask(method, url, body=None, token=None, headers=None):
    head = {"Onhand-Tenant": TENANT, **(headers or {})}
    if token:
        head["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        head["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=data, headers=head, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {url} -> {error.code}: {error.read().decode()}")
    return json.loads(text) if text.strip().startswith((b"{", b"[")) else text


class Shop:
    """The seeded server as its admin sees it."""

    count = 0

    def __init__(self, api, token):
        self.api, self.token = api, token

    def call(self, method, path, body=None):
        return ask(method, f"{self.api}/v1{path}", body, self.token)

    def body(self, quantity=1, **details):
        Shop.count += 1
        buyer = Shop.count  # somebody else every time, or velocity makes the orders suspicious
        return {
            "currency": 978,
            "total": 1999,
            "customer": buyer,
            "lines": [{"sku": "MUG-RED", "quantity": quantity}],
            "details": {
                "external_id": f"seed-{buyer}",
                "contact_name": "Ana Gomez",
                "email": f"ana{buyer}@example.com",
                "phone": f"+49151123{buyer:05}",
                "country": "DE",
                "shipping_address": ["Ana Gomez", f"Invalidenstr. {buyer}", "10115 Berlin"],
                "payment_token": f"pm_card_{buyer}",
                "ip": f"192.0.2.{buyer % 250 + 1}",
                "device": f"device-{buyer}",
                **details,
            },
        }

    def place(self, **more):
        return self.call("POST", "/orders", self.body(**more))["order"]

    def hold(self):
        return self.call("POST", "/holds", self.body())["order"]

    def wait(self, order, states):
        """Until the order is in one of these states."""
        for _ in range(300):
            state = self.call("GET", f"/orders/{order}")["state"]
            if state in states:
                return order
            time.sleep(0.1)
        events = self.call("GET", "/events?limit=500&kind=process,order.rejected")["events"]
        for event in events:
            if event["subject"] == order:
                print(event["type"], event["data"])
        sys.exit(f"order {order} is {state}, not one of {states}")

    def quarantined(self, count):
        """So many new events that nobody can read, as their numbers."""
        before = {one["event"] for one in self.held()}
        for _ in range(count):
            Shop.count += 1
            body = f"no order at all, {Shop.count}".encode()
            digest = hmac.new(SHOP_SECRET.encode(), body, hashlib.sha256).digest()
            head = {
                "X-Shopify-Topic": "orders/create",
                "X-Shopify-Shop-Domain": "eu.example",
                "X-Shopify-Webhook-Id": f"seed-{Shop.count}",
                "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
                "Content-Type": "application/json",
            }
            url = f"{self.api}/webhooks/shopify/eu.example"
            request = urllib.request.Request(url, data=body, headers=head, method="POST")
            urllib.request.urlopen(request, timeout=30).close()
        for _ in range(300):
            new = [one["event"] for one in self.held() if one["event"] not in before]
            if len(new) >= count:
                return new
            time.sleep(0.1)
        sys.exit(f"{len(new)} quarantined events, not {count}")

    def held(self):
        found = self.call("GET", "/quarantine?limit=500&fate=quarantined")
        return found["events"]

    def letters(self, count):
        """So many dead letters."""
        for _ in range(300):
            found = self.call("GET", "/dead-letters?limit=500")["dead_letters"]
            if len(found) >= count:
                return found
            time.sleep(0.1)
        sys.exit(f"{len(found)} dead letters, not {count}")


def seed(shop, sandbox):
    """Examples by operation: what its path names, and a body."""
    # An earlier role may have isolated providers, and taken the SKU off sale.
    for breaker in shop.call("GET", "/breakers")["breakers"]:
        shop.call("POST", f"/breakers/{breaker['provider']}/reset")
    shop.call("PUT", "/skus/MUG-RED", {"on_sale": True})
    shop.call("PUT", "/locations/berlin", {"priority": 1})
    shop.call("PUT", "/locations/paris", {"priority": 2})
    shop.call("POST", "/stock/MUG-RED/receive", {"location": "berlin", "quantity": 1000000})
    shop.call("POST", "/stock/MUG-RED/receive", {"location": "paris", "quantity": 1000})
    # Messages fail for good: dead letters.
    fault = {"provider": "sendgrid", "kind": "status", "status": 400, "count": 5}
    ask("POST", f"http://{sandbox}/_sandbox/faults", fault)
    for _ in range(5):
        shop.place()
    # The oldest is for the redrive of one of them, whichever that is.
    letters = shop.letters(5)[1:]
    # A throw-away address, another bill, and a checkout faster than people are: suspicious.
    risky = {"checkout_seconds": 1, "billing_address": ["Bo Li", "Other Road 9", "75001 Paris"]}
    risky["email"] = "bo@mailinator.com"
    review = [shop.place(**risky) for _ in range(3)]
    for order in review:
        shop.wait(order, ["REVIEW"])
    ready = [shop.wait(shop.place(), ["FULFILLING", "CONFIRMED"]) for _ in range(5)]
    for order in ready[1:4]:
        shop.call("POST", f"/orders/{order}/ship", {"carrier": "dhl", "tracking": "JD01"})
    line = [{"sku": "MUG-RED", "quantity": 1}]
    reason = {"reason": "seeded"}

    def of(order, body=None):
        return {"path": {"order": order}, "body": body}

    def letter(place, body):
        one = letters[place]
        return {"path": {"order": one["order"], "effect": one["effect"]}, "body": body}

    held = shop.quarantined(3)
    mapping = {"mappings": [{"item": "44", "sku": "MUG-RED"}]}

    def event(place, body):
        return {"path": {"event": held[place]}, "body": body}

    shop.call("PUT", "/channels/7", {"name": "seeded"})
    # Each campaign takes a SKU of its own: a SKU is in one campaign of a channel at a time.
    skus = [f"{name}-{Shop.count}" for name in ("SALE-A", "SALE-B")]
    for sku in skus:
        shop.call("PUT", f"/skus/{sku}", {"on_sale": True})
        shop.call("POST", f"/stock/{sku}/receive", {"location": "berlin", "quantity": 1000})
    campaigns = [
        {
            "name": sku,
            "from": "2026-01-01T00:00:00Z",
            "to": "2100-01-01T00:00:00Z",
            "items": [{"sku": sku, "units": 10}],
        }
        for sku in skus
    ]
    campaign = shop.call("POST", "/channels/7/campaigns", campaigns[0])["number"]
    edited = {"lines": line, "total": 2999, "currency": 978}
    stock = {"sku": "MUG-RED"}
    channel = {"number": 7}
    return {
        "put_channels_number": {"path": channel, "body": {"name": "seeded"}},
        "put_channels_number_rules": {"path": channel, "body": {"rule": "pool", "units": 1}},
        "get_channels_number_stock": {"path": channel},
        "post_channels_number_campaigns": {"path": channel, "body": campaigns[1]},
        "post_campaigns_campaign_end": {"path": {"campaign": campaign}},
        "post_orders": {"body": shop.body()},
        "get_orders_order": of(ready[0]),
        "post_orders_order_cancel": of(shop.hold(), reason),
        "post_orders_order_edit": of(shop.hold(), edited),
        "post_orders_order_ship": of(ready[0], {"carrier": "dhl", "tracking": "JD02"}),
        "post_orders_order_deliver": of(ready[1], reason),
        "post_orders_order_return": of(ready[2], {"disposition": "restock"}),
        "post_orders_order_refund": of(ready[3], {"amount": 100, "reason": "seeded"}),
        "post_holds": {"body": shop.body()},
        "post_holds_order_confirm": of(shop.hold(), {}),
        "post_holds_order_release": of(shop.hold(), {}),
        "post_holds_order_extend": of(shop.hold(), {"ttl_ms": 3_600_000}),
        "get_stock_sku": {"path": stock},
        "post_stock_sku_receive": {"path": stock, "body": {"location": "berlin", "quantity": 1}},
        "post_stock_sku_adjust": {
            "path": stock,
            "body": {"location": "berlin", "delta": 1, "reason": "seeded"},
        },
        "post_stock_sku_set": {"path": stock, "body": {"location": "paris", "on_hand": 1000}},
        "post_stock_sku_transfer": {
            "path": stock,
            "body": {"from": "berlin", "to": "paris", "quantity": 1},
        },
        "post_stock_sku_move": {
            "path": stock,
            "body": {"location": "berlin", "from": "available", "to": "safety", "quantity": 1},
        },
        "get_skus_sku": {"path": stock},
        "put_skus_sku": {"path": stock, "body": {"on_sale": True}},
        "get_locations_location": {"path": {"location": "berlin"}},
        "put_locations_location": {"path": {"location": "berlin"}, "body": {"priority": 1}},
        "post_review_order_approve": of(review[0], reason),
        "post_review_order_decline": of(review[1], reason),
        "post_breakers_provider_isolate": {"path": {"provider": "hubspot"}, "body": {}},
        "post_breakers_provider_reset": {"path": {"provider": "hubspot"}, "body": {}},
        "get_dead_letters_order_effect": letter(0, None),
        "post_dead_letters_order_effect_redrive": letter(1, reason),
        "post_dead_letters_order_effect_discard": letter(2, reason),
        "post_dead_letters_order_effect_edit": letter(3, {"reference": "ana@example.com"}),
        "post_dead_letters_redrive": {"body": {"limit": 1}},
        "get_quarantine_event": event(0, None),
        "post_quarantine_event_redrive": event(1, reason),
        "post_quarantine_event_discard": event(2, reason),
        "get_mappings_channel": {"path": {"channel": "eu"}},
        "put_mappings_channel": {"path": {"channel": "eu"}, "body": mapping},
        "post_mappings_channel": {"path": {"channel": "eu"}, "body": mapping},
        "get_subscribers_subscriber": {"path": {"subscriber": "crm"}},
        "post_subscribers_subscriber_rewind": {
            "path": {"subscriber": "crm"},
            "body": {"after": "end", "reason": "seeded"},
        },
    }


def with_examples(document, examples):
    """The served document for one tenant, with what was seeded as examples."""
    known = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            example = examples.get(operation["operationId"], {})
            known.add(operation["operationId"])
            for parameter in operation["parameters"]:
                if parameter["name"] == "Onhand-Tenant":
                    parameter.update(required=True, schema={"type": "string", "enum": [TENANT]})
                value = example.get("path", {}).get(parameter["name"])
                if value is not None:
                    parameter["example"] = value
            if example.get("body") is not None:
                content = operation["requestBody"]["content"]["application/json"]
                content["example"] = example["body"]
    unknown = set(examples) - known
    if unknown:
        sys.exit(f"examples of operations that are not in the document: {unknown}")
    return document


def reached(report):
    """Operations that answered 2xx, by method and path of the document."""
    done, seen = set(), set()
    with open(report, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            finished = event.get("ScenarioFinished")
            if not finished:
                continue
            recorder = finished["recorder"]
            label = recorder["label"]
            seen.add(label)
            for one in recorder.get("interactions", {}).values():
                response = one.get("response") or {}
                if 200 <= response.get("status_code", 0) < 300:
                    done.add(label)
    return done, seen


def allowed(document, role):
    """Operations that a role may call, by method and path of the document."""
    may = set(ROLES[: ROLES.index(role) + 1])
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["x-onhand-role"] in may
    }


def main():
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tokens, secrets = os.path.join(folder, "tokens"), {}
        for role in ROLES:
            command = [BINARY, "token", "new", "--name", role, "--role", role]
            command += ["--tenant", TENANT, "--file", tokens]
            secrets[role] = subprocess.check_output(
                command, text=True, stderr=subprocess.DEVNULL
            ).strip()
        files = {}
        for name, text in [("secret", SHOP_SECRET), ("key", "whsec_" + "QUJD" * 8)]:
            files[name] = os.path.join(folder, name)
            with open(files[name], "w", encoding="utf-8") as out:
                out.write(text)
        for name, text in [("channels", CHANNELS), ("subscribers", SUBSCRIBERS)]:
            made = text.format(tenant=TENANT, **files)
            files[name] = os.path.join(folder, f"{name}.toml")
            with open(files[name], "w", encoding="utf-8") as out:
                out.write(made)
        sandbox = Server(
            [BINARY, "sandbox", "--listen", "127.0.0.1:0", "--step-ms", "0"], r"http://([0-9.:]+)"
        )
        command = [BINARY, "serve", "--data", os.path.join(folder, "data"), "--history", "off"]
        command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--shards", "1"]
        command += ["--sandbox", sandbox.address, "--token-file", tokens, "--sync", "os"]
        command += ["--channels", files["channels"], "--subscribers", files["subscribers"]]
        command += ["--http-requests-per-second", "100000"]
        served = Server(command, r"ready .*http=([0-9.:]+)")
        api = f"http://{served.address}"
        try:
            failed = run(folder, api, sandbox.address, secrets)
        finally:
            served.stop()
            sandbox.stop()
    print(f"schemathesis: {time.monotonic() - begun:.0f} s")
    sys.exit(1 if failed else 0)


def run(folder, api, sandbox, secrets):
    config = os.path.join(folder, "schemathesis.toml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(CONFIG)
    done, failed, total = set(), False, 0
    for role in ROLES:
        examples = seed(Shop(api, secrets["admin"]), sandbox)
        document = with_examples(ask("GET", f"{api}/openapi.json"), examples)
        total = sum(len(methods) for methods in document["paths"].values())
        path = os.path.join(folder, "openapi.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(document, out)
        report = os.path.join(folder, f"{role}.ndjson")
        command = [SCHEMATHESIS, f"--config-file={config}", "run", path, "--url", api]
        # All roles take the same ways behind the check of the role: one goes through all of them.
        phases = "examples,coverage,fuzzing" if role == "admin" else "examples,fuzzing"
        command += ["--checks", "all", "--phases", phases]
        most = "6" if role == "admin" else "2"
        command += ["--max-examples", most, "--continue-on-failure", "--no-shrink"]
        command += ["--suppress-health-check", "all", "--request-timeout", "5"]
        command += ["-H", f"Authorization: Bearer {secrets[role]}", "--no-color"]
        # One worker: `ast.parse`, which prints strategies, is not safe in threads before 3.11.9.
        command += ["--report", "ndjson", "--report-ndjson-path", report, "--workers", "1"]
        command += ["--generation-deterministic"]
        outcome = subprocess.run(command, check=False, cwd=folder)
        failed |= outcome.returncode != 0
        covered, seen = reached(report)
        done |= covered
        own = allowed(document, role)
        share = len(covered & own) / len(own)
        print(
            f"schemathesis: {role}: {len(covered)} of {len(seen)} operations answered 2xx, "
            f"{len(covered & own)} of the {len(own)} that it may call ({share:.0%})"
        )
        missing = sorted(own - covered)
        if missing:
            print(f"schemathesis: {role}: never 2xx: {', '.join(missing)}")
        failed |= share < COVERED_MIN or bool(covered - own)
    share = len(done) / total
    print(f"schemathesis: {len(done)} of {total} operations answered 2xx ({share:.0%})")
    if share < COVERED_MIN:
        failed = True
    return failed


main()
