#!/bin/sh
# The REST API by curl: define, receive, order, read what was written, hold, confirm, cancel, events,
# and what a refusal looks like. Needs curl, and a server with an order process (`onhand serve --sandbox`
# will do): without one nothing can be cancelled.
#
#     ONHAND_HTTP=http://127.0.0.1:7172 [ONHAND_TOKEN=oh_...] [ONHAND_TENANT=acme] sh rest.sh
set -eu

server=${ONHAND_HTTP:-http://127.0.0.1:7172}
tenant=${ONHAND_TENANT:-default}
token=${ONHAND_TOKEN:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A token belongs in a file, not on a command line that others can see.
umask 077
printf 'header = "Onhand-Tenant: %s"\n' "$tenant" >"$work/curl"
[ -z "$token" ] || printf 'header = "Authorization: Bearer %s"\n' "$token" >>"$work/curl"

# api METHOD PATH [BODY] [HEADER...]: the answer's body; its head is in $work/head.
api() {
  method=$1 path=$2 body=${3:-}
  shift 2
  [ $# -eq 0 ] || shift
  set -- "$@" --header 'Content-Type: application/json'
  [ -z "$body" ] || set -- "$@" --data "$body"
  curl --silent --show-error --max-time 30 --config "$work/curl" --dump-header "$work/head" \
    --request "$method" "$@" "$server/v1$path"
}

# shows WHAT: prints what is shown next, then the answer's status line.
shows() {
  printf '\n# %s\n' "$1"
  sed -n '1s/\r$//p' "$work/head"
}

# The value of a header of the last answer.
head_of() {
  sed -n "s/\r\$//; s/^$1: //Ip" "$work/head"
}

# member NAME: a text or number of the JSON object on standard input.
member() {
  sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^,\"}]*\\).*/\\1/p"
}

answer=$(api PUT /skus/mug-red '{"on_sale": true}')
shows 'a SKU that is on sale' && echo "$answer"

answer=$(api PUT /locations/berlin '{}')
shows 'a place where its units are' && echo "$answer"

answer=$(api POST /stock/mug-red/receive '{"location": "berlin", "quantity": 10}' \
  --header "Idempotency-Key: delivery-note-1-$$")
shows 'ten units arrive' && echo "$answer"

# An order. With the same Idempotency-Key it is the same order, however often it is sent.
order='{"currency": 978, "total": 3980, "lines": [{"sku": "mug-red", "quantity": 2}]}'
answer=$(api POST /orders "$order" --header "Idempotency-Key: basket-1-$$")
shows 'an order' && echo "$answer"
key=$(echo "$answer" | member order)
sequence=$(head_of onhand-sequence)

answer=$(api POST /orders "$order" --header "Idempotency-Key: basket-1-$$")
shows 'the same again: nothing is taken twice' && echo "$answer"

# Reading waits for what was written, whoever answers.
answer=$(api GET "/orders/$key" '' --header "Onhand-After-Sequence: $sequence")
shows 'the order, as of its sequence or later' && echo "$answer"

answer=$(api POST "/orders/$key/cancel" '{"reason": "the buyer changed their mind"}')
shows 'cancelled: its units are for sale again' && echo "$answer"

# A hold: units are the buyer's for two minutes, until they pay.
answer=$(api POST /holds "{\"ttl_ms\": 120000, ${order#\{}" --header "Idempotency-Key: basket-2-$$")
shows 'a hold' && echo "$answer"
key=$(echo "$answer" | member order)

answer=$(api POST "/holds/$key/confirm")
shows 'paid: held units are committed' && echo "$answer"

answer=$(api GET /stock/mug-red)
shows 'the stock now' && echo "$answer"

answer=$(api GET '/events?kind=order&limit=3')
shows 'what happened to orders, from the journal' && echo "$answer"

answer=$(api POST /orders '{"currency": 978, "total": 1, "lines": [{"sku": "mug-red", "quantity": 99}]}')
shows 'refused: there are not so many, and it says what is left' && echo "$answer"

answer=$(api POST /orders '{"currency": 978, "total": 1, "lines": []}')
shows 'refused: an order without lines' && echo "$answer"

answer=$(api GET /orders/0123456789abcdef0123456789abcdef)
shows 'there is no such order' && echo "$answer"
