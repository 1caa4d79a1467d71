#!/usr/bin/env python3
"""A small Onhand client in one file, with the standard library only.

As a module:

    from onhand_client import Connection, order_key, command_key, Line
    with Connection("127.0.0.1", 7171, token, "acme") as onhand:
        shirt = onhand.define_skus(["shirt-m"])[0]
        berlin = onhand.define_locations([("berlin", 0, 0, 0)])[0]
        onhand.receive(command_key(), shirt, berlin, 100)
        answer = onhand.reserve(order_key(1, "1001"), [Line(shirt, 2)], total=3998)

As a program, a tour of one order against a running server:

    python3 onhand_client.py HOST:PORT TOKEN TENANT [CA_FILE]

Everything here follows docs/PROTOCOL.md. Keys make every call safe to repeat: after a lost
connection make a new Connection and call again with the same keys.
"""

import hashlib
import os
import socket
import ssl
import struct
import sys
from typing import NamedTuple, Optional

MAGIC, VERSION, HEADER = 0x484F, 1, 24
FRAME_BYTES_MAX = 1 << 20
ANY = 0xFFFF

HELLO, PING = 0x01, 0x02
DEFINE_SKU, RESOLVE_SKU, DEFINE_LOCATION, RESOLVE_LOCATION = 0x10, 0x11, 0x12, 0x13
RECEIVE = 0x20
RESERVE, CONFIRM, RELEASE, CANCEL = 0x30, 0x31, 0x33, 0x35
QUERY_STOCK, QUERY_ORDER = 0x40, 0x41
ERROR, STOCK_EVENT = 0xFF, 0xC3

PLACE, PARTIAL, DESTINATION, DETAILS = 1, 2, 4, 8
REPLAYED = 1

STATES = {0: None, 1: "HELD", 2: "FRAUD_CHECK", 3: "CONFIRMED", 4: "SHIPPED",
          128: "REJECTED", 129: "EXPIRED", 130: "CANCELLED"}


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(data: bytes, crc: int = 0) -> int:
    """CRC32C (Castagnoli); `crc` continues an earlier one."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def frame(opcode: int, request_id: int, count: int, body: bytes) -> bytes:
    """One whole frame."""
    header = struct.pack("<IHBBQHH", HEADER + len(body), MAGIC, VERSION, opcode, request_id, 0,
                         count)
    return header + struct.pack("<I", crc32c(body, crc32c(header))) + body


def padded(data: bytes) -> bytes:
    """`data` and the zeros up to a multiple of 4."""
    return data + bytes(-len(data) % 4)


def order_key(channel: int, external_id: str) -> bytes:
    """The key of the order that `channel` calls `external_id`: the same from every client."""
    text = b"onhand-order-key-v1" + struct.pack("<H", channel) + external_id.encode()
    return hashlib.sha256(text).digest()[:16]


def command_key() -> bytes:
    """A fresh key for one command; keep it for the command's retries."""
    return os.urandom(16)


class OnhandError(Exception):
    """An error frame, or an answer that is none. `code` is 0 where the server gave none."""

    def __init__(self, code: int, text: str, retry_after_ms: int = 0):
        super().__init__(f"code {code}: {text}")
        self.code, self.text, self.retry_after_ms = code, text, retry_after_ms


class Line(NamedTuple):
    """One line of an order."""
    sku: int
    quantity: int
    location: int = ANY

    def encode(self) -> bytes:
        return struct.pack("<IIHH", self.sku, self.quantity, self.location, 0)


class Handle(NamedTuple):
    """The answer to one name."""
    code: int
    flags: int
    handle: int
    sequence: int


class Cell(NamedTuple):
    """The quantities of one SKU at one location."""
    on_hand: int
    reserved: int
    committed: int
    safety: int
    damaged: int
    quality_control: int
    available: int
    short: int


class StockAnswer(NamedTuple):
    """The answer to one stock movement."""
    code: int
    replayed: bool
    sequence: int
    cell: Cell


class Note(NamedTuple):
    """A remark about one line: kind 1 short (value: left), 2 granted (value: units)."""
    line: int
    kind: int
    value: int


class ReserveAnswer(NamedTuple):
    """The answer to one order."""
    code: int
    state: Optional[str]
    replayed: bool
    partial: bool
    version: int
    sequence: int
    expires_at_ms: int
    notes: list


class OrderAnswer(NamedTuple):
    """The answer to one command on an order."""
    code: int
    state: Optional[str]
    resolution: int
    replayed: bool
    sequence: int
    expires_at_ms: int


class Hello(NamedTuple):
    """What the server said at the start of the session."""
    session_id: int
    server_time_ms: int
    epoch: int
    frame_bytes_max: int
    items_max: int
    query_items_max: int
    lines_max: int
    tenant: int
    shard: int
    role: int
    protocol_version: int


class Connection:
    """One session: one request at a time, each method waits for its reply."""

    def __init__(self, host: str, port: int, token: str, tenant: str,
                 ca_file: Optional[str] = None, timeout: float = 10.0):
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca_file is not None:
            context = ssl.create_default_context(cafile=ca_file)
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        self._request_id = 0
        self.events = []
        texts = [text.encode() for text in (token, tenant, "onhand_client.py")]
        lengths = struct.pack("<HBB", *(len(text) for text in texts))
        try:
            _, body = self.call(HELLO, 1, lengths + padded(b"".join(texts)))
        except BaseException:
            self.close()
            raise
        self.hello = Hello(*struct.unpack_from("<QQIIHHHHHBB", body))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the session."""
        self._socket.close()

    def call(self, opcode: int, count: int, body: bytes):
        """Sends one request; returns the count and the body of its reply."""
        self._request_id += 1
        self._socket.sendall(frame(opcode, self._request_id, count, body))
        while True:
            got, request_id, count, body = self._read_frame()
            if got == STOCK_EVENT:
                self.events.append(body)
            elif got == ERROR and request_id in (0, self._request_id):
                code, text_bytes, retry_after_ms = struct.unpack_from("<HHI", body)
                raise OnhandError(code, body[8:8 + text_bytes].decode(), retry_after_ms)
            elif got == opcode | 0x80 and request_id == self._request_id:
                return count, body

    def _read_frame(self):
        header = self._read(HEADER)
        length, magic, version, opcode, request_id, _, count, checksum = struct.unpack(
            "<IHBBQHHI", header)
        if magic != MAGIC or version != VERSION or not HEADER <= length <= FRAME_BYTES_MAX:
            raise OnhandError(0, "this is no Onhand server")
        body = self._read(length - HEADER)
        if crc32c(body, crc32c(header[:20])) != checksum:
            raise OnhandError(0, "the reply was damaged on the way")
        return opcode, request_id, count, body

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            chunk = self._socket.recv(length - len(data))
            if not chunk:
                raise ConnectionError("the server closed the connection")
            data += chunk
        return bytes(data)

    def ping(self, echo: bytes = b""):
        """Up to 64 bytes there and back."""
        if self.call(PING, 1, echo)[1] != echo:
            raise OnhandError(0, "another echo")

    def _names(self, opcode: int, items: list) -> list:
        count, body = self.call(opcode, len(items), b"".join(items))
        answers = [Handle(*struct.unpack_from("<HBxIQ", body, at * 16)) for at in range(count)]
        for answer in answers:
            if answer.code:
                raise OnhandError(answer.code, "a name was refused")
        return [answer.handle for answer in answers]

    def define_skus(self, names: list, on_sale: bool = True) -> list:
        """The handles of SKUs, defining those that are new."""
        return self._names(DEFINE_SKU, [
            struct.pack("<BBxx", len(name.encode()), on_sale) + padded(name.encode())
            for name in names])

    def resolve_skus(self, names: list) -> list:
        """The handles of SKUs that are defined."""
        return self._names(RESOLVE_SKU, [
            struct.pack("<Bxxx", len(name.encode())) + padded(name.encode()) for name in names])

    def define_locations(self, locations: list) -> list:
        """The handles of locations, each (name, priority, x, y), defining those that are new."""
        return self._names(DEFINE_LOCATION, [
            struct.pack("<BxHii", len(name.encode()), priority, x, y) + padded(name.encode())
            for name, priority, x, y in locations])

    def resolve_locations(self, names: list) -> list:
        """The handles of locations that are defined."""
        return self._names(RESOLVE_LOCATION, [
            struct.pack("<Bxxx", len(name.encode())) + padded(name.encode()) for name in names])

    def receive(self, key: bytes, sku: int, location: int, quantity: int) -> StockAnswer:
        """Books units in."""
        item = key + struct.pack("<IIHxx", sku, quantity, location)
        _, body = self.call(RECEIVE, 1, item)
        code, flags, sequence = struct.unpack_from("<HBxQ", body)
        cell = Cell(*struct.unpack_from("<7IQ", body, 12))
        return StockAnswer(code, bool(flags & REPLAYED), sequence, cell)

    def reserve(self, key: bytes, lines: list, *, version: int = 1, customer: int = 0,
                total: int = 0, ttl_ms: int = 900_000, channel: int = 0, currency: int = 978,
                flags: int = 0, destination: Optional[tuple] = None,
                details: bytes = b"") -> ReserveAnswer:
        """Takes one order."""
        flags |= DESTINATION if destination else 0
        flags |= DETAILS if details else 0
        item = key + struct.pack("<QQIHHHBBHxx", customer, total, ttl_ms, version, channel,
                                 currency, flags, len(lines), len(details))
        if destination:
            item += struct.pack("<ii", *destination)
        item += b"".join(line.encode() for line in lines) + padded(details)
        _, body = self.call(RESERVE, 1, item)
        code, state, flags, version, notes, sequence, expires = struct.unpack_from(
            "<HBBHHQQ", body)
        notes = [Note(*struct.unpack_from("<xxBBI", body, 24 + at * 8)) for at in range(notes)]
        return ReserveAnswer(code, STATES[state], bool(flags & REPLAYED), bool(flags & 2), version,
                             sequence, expires, notes)

    def _order_command(self, opcode: int, order: bytes, key: bytes) -> OrderAnswer:
        _, body = self.call(opcode, 1, order + key)
        code, state, resolution, flags, sequence, expires = struct.unpack_from("<HBBBxxxQQ", body)
        return OrderAnswer(code, STATES[state], resolution, bool(flags & REPLAYED), sequence,
                           expires)

    def confirm(self, order: bytes, key: bytes) -> OrderAnswer:
        """The hold is paid."""
        return self._order_command(CONFIRM, order, key)

    def release(self, order: bytes, key: bytes) -> OrderAnswer:
        """The hold is given back."""
        return self._order_command(RELEASE, order, key)

    def cancel(self, order: bytes, key: bytes) -> OrderAnswer:
        """The order is cancelled; not after it shipped."""
        return self._order_command(CANCEL, order, key)

    def query_stock(self, sku: int) -> dict:
        """The cells of one SKU: location handle to `Cell`."""
        cells, location, cut = {}, 0, True
        while cut:
            _, body = self.call(QUERY_STOCK, 1, struct.pack("<IHxx", sku, location))
            code, flags, _, _, count, location = struct.unpack_from("<HBxIQHH", body)
            if code:
                raise OnhandError(code, f"SKU {sku}")
            for at in range(24, 24 + count * 40, 40):
                where, = struct.unpack_from("<Hxx", body, at)
                cells[where] = Cell(*struct.unpack_from("<7IQ", body, at + 4))
            cut = flags & 1
        return cells

    def query_order(self, order: bytes) -> dict:
        """The order's state and lines."""
        _, body = self.call(QUERY_ORDER, 1, order)
        (code, state, resolution, flags, lines, _, version, channel, customer, sequence,
         expires) = struct.unpack_from("<HBBBBBxHHxxxxQQQ", body, 16)
        names = ("sku", "location", "ordered", "reserved", "committed", "shipped", "returned",
                 "cancelled")
        return {
            "code": code, "state": STATES[state], "resolution": resolution, "version": version,
            "placed": bool(flags & 2), "channel": channel, "customer": customer,
            "sequence": sequence, "expires_at_ms": expires,
            "lines": [dict(zip(names, struct.unpack_from("<IHxx6I", body, 56 + at * 32)))
                      for at in range(lines)],
        }


def main(arguments: list) -> int:
    """The tour: define, receive, reserve twice with one key, confirm, query."""
    if len(arguments) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    host, _, port = arguments[0].rpartition(":")
    ca_file = arguments[3] if len(arguments) == 4 else None
    with Connection(host, int(port), arguments[1], arguments[2], ca_file) as onhand:
        print(f"session {onhand.hello.session_id}, protocol {onhand.hello.protocol_version}")
        onhand.ping(b"hello")
        shirt, = onhand.define_skus(["shirt-m"])
        berlin, = onhand.define_locations([("berlin", 0, 13_405, 52_520)])
        received = onhand.receive(command_key(), shirt, berlin, 10)
        print(f"received: code {received.code}, on hand {received.cell.on_hand}")

        order = order_key(1, os.urandom(8).hex())
        for _ in range(2):
            answer = onhand.reserve(order, [Line(shirt, 2)], total=3_998, channel=1)
            print(f"reserved: code {answer.code}, {answer.state}, replayed {answer.replayed}")
        confirmed = onhand.confirm(order, command_key())
        print(f"confirmed: code {confirmed.code}, {confirmed.state}")
        cell = onhand.query_stock(shirt)[berlin]
        print(f"stock: on hand {cell.on_hand}, committed {cell.committed}, "
              f"available {cell.available}")
        view = onhand.query_order(order)
        print(f"order {view['sequence']}: {view['state']}, lines {view['lines']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
