# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_onhand_global_optspecs
    string join \n h/help V/version
end

function __fish_onhand_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_onhand_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_onhand_using_subcommand
    set -l cmd (__fish_onhand_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c onhand -n "__fish_onhand_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_needs_command" -s V -l version -d 'Print version'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "demo" -d 'Kill a flash sale half-way and show that nothing was lost and nothing sold twice'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "serve" -d 'Run the server until SIGTERM or SIGINT'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "sandbox" -d 'Serve the providers\' interfaces locally, with faults on demand, until SIGTERM or SIGINT'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "sku" -d 'Define and list what is sold, on a running server'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "location" -d 'Define and list where stock is, on a running server'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "stock" -d 'Receive, correct, move, show and watch stock, on a running server'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "channels" -d 'Define sales channels, what each may sell, and campaigns, over a running server\'s HTTP'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "order" -d 'Take orders and follow them to their end, on a running server'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "orders" -d 'Follow orders through their process, and act on them, over a running server\'s HTTP'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "review" -d 'Decide about orders that wait for a person'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "dlq" -d 'Look at effects that exhausted their attempts, try them again or give them up'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "quarantine" -d 'Look at what channels sent and nobody could use, work it off again or give it up'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "mappings" -d 'Say which SKU each item of a channel stands for'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "subscribers" -d 'See how far subscribers of events are, and send one events again'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "breakers" -d 'See and change whether calls to the providers go out'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "ping" -d 'Time a round trip to a running server'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "config" -d 'Print a commented configuration file, check one, or show what is in force'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "pipelines" -d 'Print a process file to start from, check one, or show which way orders take'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "token" -d 'Make and list the tokens that clients present'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "doctor" -d 'Look at this machine: is it fit to run the server, and what should be changed?'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "verify" -d 'Check every claim about a data directory with code of its own; changes nothing'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "inspect" -d 'Show segments and records of a data directory, and where it is damaged'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "export" -d 'Write stock or orders of a data directory as CSV'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "import" -d 'Send the rows of a CSV file to a server, each of them once'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "explain" -d 'Tell what happened to an order or a SKU, at any past moment'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "audit" -d 'Tell who did what, and report what can be proved of a data directory'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "history" -d 'Look after the history, the journal\'s copy in SQL'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "completions" -d 'Print the completions of a shell, to be sourced by it'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l customers -d 'How many customers order, one unit each: at least 4 times --stock and 10 times --connections' -r
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l stock -d 'Units of the hot SKU' -r
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l connections -d 'Connections of the customers; the background mix has 16 more' -r
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l seed -d 'Decides keys, the background mix and the moment of the kill' -r
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l data -d 'Directory to make the fresh directory in [default: the one for temporary files, or the current one if that is in memory]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l rate -d 'With --channels: buyers a second at each marketplace' -r
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l seconds -d 'With --channels: how long buyers come, in seconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l json -d 'Write every figure to this file as one JSON object [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l sale-only -d 'Only the sale and the crash, without orders on their way through providers [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l channels -d 'A sale on five simulated marketplaces instead: their webhooks come in, stock is written back [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l keep -d 'Keep the directory also on success [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l stay -d 'Keep the dashboard up afterwards, with orders on their way [default: in a terminal]'
complete -c onhand -n "__fish_onhand_using_subcommand demo" -l exit -d 'End when the story is told [default: outside a terminal]'
complete -c onhand -n "__fish_onhand_using_subcommand demo" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l config -d 'Configuration file in TOML; flags override it. `onhand config default` prints one to start from [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l data -d 'Directory of the journal, its lock file and its secret. Created if it is missing. [default: onhand-data]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l listen -d 'Where clients connect over TCP. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7171]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http -d 'Where `/metrics`, `/healthz`, `/readyz`, providers\' callbacks and the REST API are served over HTTP, or `off`. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7172]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l sync -d 'When the journal is forced to the disk. `always`: before every acknowledgement, so that an acknowledged order survives a power cut. `interval=MS`: at least that often, so that a power cut loses at most that much. `os`: when the operating system likes; a power cut may lose the last half minute. The last two survive a crash of the process, not of the machine. [default: always]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l shards -d 'Engine threads, each with its own journal. Fixed when the data directory is created. [default: cores the process may use − 1, at least 1, range: 1 to 64 threads]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l pin -d 'Pin each engine thread to a core of its own, and everything else to the remaining cores. Has no effect with a single core. [default: true]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l segment-bytes -d 'Size of one journal file. A multiple of 4096. [default: 67_108_864, range: 65536 to 2147483648 bytes]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l prepared-segments -d 'Empty journal files kept allocated ahead of the writer, for each shard. [default: 2, range: 1 to 32 files]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l connections-max -d 'Open connections of the process. One more is told `OVERLOADED` and closed. [default: 20_000, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l idle-timeout-ms -d 'How long a connection may be silent before it is closed; `ping` keeps it open. [default: 600_000, range: 100 to 604800000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l orders-expected -d 'Orders of each shard for which memory is made ready at start; more are taken at the price of growing on the way. About 96 bytes each. [default: 1_048_576, range: 0 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l orders-max -d 'Orders that each shard keeps, open and ended. One more is refused with `ORDER_TABLE_FULL`. [default: 1_073_741_824, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l rejections-kept -d 'Newest refused orders that each shard remembers, so that a retry gets the same answer; the oldest is forgotten first. At most 32 bytes each, plus 8 in the index. [default: 16_777_216, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l commands-kept -d 'Newest keyed commands that each shard remembers, so that a retry is not done twice: as many for stock commands and as many for order commands. 48 bytes each. [default: 1_048_576, range: 1 to 1073741824 commands]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l channel-events-kept -d 'Ids of sales channels\' events that each shard remembers at most, against repeats. An id is remembered for 30 days; where more come within 30 days, the oldest are forgotten early, which `onhand_channel_events_forgotten_early_total` counts. About 45 bytes each, once they are there. [default: 4_194_304, range: 1048576 to 1073741824 events]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l ended-order-kept-ms -d 'How long the key of an ended order is kept, so that a late retry still gets its answer. [default: 2_592_000_000, range: 1000 to 315360000000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l token-file -d 'File of the tokens that clients may present; see `onhand token new`. Without it, anyone who reaches the port may do everything. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l tls-cert -d 'Certificate chain of the server in PEM, leaf first. Needs `tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l tls-key -d 'Private key of the certificate in PEM. Needs `tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http-tls-cert -d 'Certificate chain of the HTTP port in PEM, leaf first: it then serves HTTPS only. Needs `http_tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http-tls-key -d 'Private key of the HTTP port\'s certificate in PEM. Needs `http_tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http-requests-per-second -d 'Requests to `/v1` that one token (without a token file: one address) may make in a second, and at once. One more is answered 429 with `Retry-After`. Webhooks and callbacks are not counted: their signature admits them, and the engine\'s queue bounds them. [default: 5_000, range: 1 to 1000000 requests]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http-connections-max -d 'Open HTTP connections. One more is answered 503 with `Retry-After` and closed. [default: 8_192, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http-head-timeout-ms -d 'How long the head of an HTTP request, or a TLS handshake, may take to arrive, and how long an HTTP connection may be idle between requests. Slower is closed. [default: 10_000, range: 10 to 600000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l http-body-timeout-ms -d 'How long the body of an HTTP request may take to arrive; slower is answered 408. An answer may go unread for as long; then its connection is closed. [default: 10_000, range: 10 to 600000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l public-url -d 'Where buyers reach the HTTP port from outside, such as `https://orders.example`. Messages then have the link to their order\'s page, `/track/TOKEN`. [default: unset]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l insecure-plaintext -d 'Listen away from loopback without TLS or without a token file. Tokens and orders then cross the network in clear: only behind a tunnel or on a network that you trust. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l process -d 'File of the order process: which providers serve which step, pipelines, routes and times. See `onhand pipelines init`. Without it placed orders wait until their hold ends. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l channels -d 'File of the sales channels: which shops at which marketplaces send webhooks and are told their stock. See CHANNELS.md. Without it every webhook is refused. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l subscribers -d 'File of the subscribers: addresses that events are sent to as signed webhooks. See EVENTS.md. Without it events are there for those who read `/v1/events`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l sandbox -d 'Address of an `onhand sandbox`: every step of the order process is served by it, with short times. To try things out and for tests; not together with `process`. [default: off]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l history -d 'Database of the history, a copy of the journal for questions in SQL: `sqlite` for the file `history.sqlite` in the data directory, `sqlite:FILE`, `postgres://USER@HOST:PORT/DATABASE` (its password in the environment variable ONHAND_HISTORY_PASSWORD), or `off`. [default: sqlite]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -l allow-clock-behind -d 'Start although the journal\'s last time is more than 5 minutes ahead of the wall clock. Engine time then stands still until the wall clock has caught up. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand serve" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l listen -d 'Where to listen: a loopback address; port 0 takes any free one' -r
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l smtp-port -d 'The port of the mail server at the same address; 0 takes any free one [default: the one after --listen\'s]' -r
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l callbacks -d 'Where callbacks go: the HTTP address of an Onhand server [default: nowhere]' -r
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l secrets -d 'Credentials that differ from the documented ones: a TOML file of lines like "stripe.secret_key" = "sk_test_…" [default: the documented ones]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l most-effects -d 'The most effects in the ledger; when they are reached, every request is refused' -r
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l seed -d 'Decides which requests a fault with a share hits' -r
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l step-ms -d 'How long carriers and slow payments take for each step, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -l real-limits -d 'Hold the rate limits that the providers document [default: no limits]'
complete -c onhand -n "__fish_onhand_using_subcommand sandbox" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and not __fish_seen_subcommand_from add list help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and not __fish_seen_subcommand_from add list help" -f -a "add" -d 'Define SKUs, or change whether they are on sale and who waits for them first; safe to repeat'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and not __fish_seen_subcommand_from add list help" -f -a "list" -d 'List the tenant\'s SKUs in order of their definition'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and not __fish_seen_subcommand_from add list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l backorder-queue -d 'Who gets units of them that orders wait for: strict (what an earlier order waits for goes to no later one), skip (the earliest order that can be covered in full) or default (as `backorder` of the pipelines says) [default: as before; of new ones, default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l off-sale -d 'Define them, but refuse orders for them until they are added again without this [default: off, that is on sale]'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l from -d 'Where to start: a handle of an earlier list' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l limit -d 'How many to list at most, in SKUs' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from help" -f -a "add" -d 'Define SKUs, or change whether they are on sale and who waits for them first; safe to repeat'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the tenant\'s SKUs in order of their definition'
complete -c onhand -n "__fish_onhand_using_subcommand sku; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand location; and not __fish_seen_subcommand_from add list help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand location; and not __fish_seen_subcommand_from add list help" -f -a "add" -d 'Define a location; safe to repeat. One that exists keeps its place and priority'
complete -c onhand -n "__fish_onhand_using_subcommand location; and not __fish_seen_subcommand_from add list help" -f -a "list" -d 'List the tenant\'s locations in order of their definition'
complete -c onhand -n "__fish_onhand_using_subcommand location; and not __fish_seen_subcommand_from add list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l x -d 'Its place, in any unit that all locations and destinations of the tenant share' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l y -d 'As --x' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l priority -d 'Which location serves an order first where distance does not decide: lower comes first' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from help" -f -a "add" -d 'Define a location; safe to repeat. One that exists keeps its place and priority'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the tenant\'s locations in order of their definition'
complete -c onhand -n "__fish_onhand_using_subcommand location; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "receive" -d 'Stock arrived: add units to on hand'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "adjust" -d 'Correct on hand by a difference, e.g. after a count or a loss'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "set" -d 'Set on hand to a number, if it still is what you think it is'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "transfer" -d 'Move available units to another location'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "move" -d 'Move units within a location: to or from safety stock, damaged or quality control'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "show" -d 'Show the quantities of SKUs at each location'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "watch" -d 'Print the stock of SKUs whenever it changes, until interrupted'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and not __fish_seen_subcommand_from receive adjust set transfer move show watch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l sku -d 'SKU by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l location -d 'Location by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l quantity -d 'How many arrived, in units from 1 [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from receive" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l sku -d 'SKU by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l location -d 'Location by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l by -d 'Units to add; negative for a loss [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l reason -d 'Why, for the journal, at most 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from adjust" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l sku -d 'SKU by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l location -d 'Location by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l on-hand -d 'What on hand becomes, in units [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l expect -d 'Only if on hand is this now, in units [default: whatever it is]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l sku -d 'SKU by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l from -d 'Location that they leave, by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l to -d 'Location where they arrive, by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l quantity -d 'How many, in units from 1 [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from transfer" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l sku -d 'SKU by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l location -d 'Location by name [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l from -d 'What they are now [no default]' -r -f -a "available\t'Sellable stock'
safety\t'Safety stock, kept back on purpose'
damaged\t'Damaged units'
quality-control\t'Units that wait for quality control'"
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l to -d 'What they become [no default]' -r -f -a "available\t'Sellable stock'
safety\t'Safety stock, kept back on purpose'
damaged\t'Damaged units'
quality-control\t'Units that wait for quality control'"
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l quantity -d 'How many, in units from 1 [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l limit -d 'How many SKUs to show at most, where none is named' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l count -d 'End after so many changes [default: never]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "receive" -d 'Stock arrived: add units to on hand'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "adjust" -d 'Correct on hand by a difference, e.g. after a count or a loss'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "set" -d 'Set on hand to a number, if it still is what you think it is'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "transfer" -d 'Move available units to another location'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "move" -d 'Move units within a location: to or from safety stock, damaged or quality control'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the quantities of SKUs at each location'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Print the stock of SKUs whenever it changes, until interrupted'
complete -c onhand -n "__fish_onhand_using_subcommand stock; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -f -a "list" -d 'List every channel with its rules, and every campaign'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -f -a "define" -d 'Define a channel, or give it another name or kind'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -f -a "rule" -d 'Set what a channel gets of a SKU: a share of the pool, a quota of its own, or a cap'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -f -a "stock" -d 'Show what a channel is to offer'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -f -a "campaign" -d 'Plan a campaign, or end one'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and not __fish_seen_subcommand_from list define rule stock campaign help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l kind -d 'own, shopify, woocommerce, shopee, tiktok or whatsapp' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from define" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l sku -d 'The SKU [default: all that have no rule of their own; pool only]' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -l then-pool -d 'When a quota is used up, orders go on from the pool [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from rule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from stock" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from stock" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from stock" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from stock" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from stock" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from stock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from campaign" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from campaign" -f -a "plan" -d 'Plan one: in its window the channel has units of its own'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from campaign" -f -a "end" -d 'End one now, or cancel it before it begins: what it did not sell goes back to the pool'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from campaign" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "list" -d 'List every channel with its rules, and every campaign'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "define" -d 'Define a channel, or give it another name or kind'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "rule" -d 'Set what a channel gets of a SKU: a share of the pool, a quota of its own, or a cap'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "stock" -d 'Show what a channel is to offer'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "campaign" -d 'Plan a campaign, or end one'
complete -c onhand -n "__fish_onhand_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "place" -d 'Place an order: it enters its pipeline at once, and its process confirms it'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "hold" -d 'Hold units for a buyer until the hold is confirmed, released, or ends by time'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "show" -d 'Show an order: its state, and what became of every unit'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "confirm" -d 'Confirm a hold: its units are paid for. With lines, only those; the rest is released'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "release" -d 'Give a hold back'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "cancel" -d 'Cancel an order that has not shipped'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "extend" -d 'Let a hold end later'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "ship" -d 'Ship units of a confirmed order: they leave for good. Without lines, all that are left'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "return" -d 'Take shipped units back. Without lines, all that are out'
complete -c onhand -n "__fish_onhand_using_subcommand order; and not __fish_seen_subcommand_from place hold show confirm release cancel extend ship return help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l location -d 'Location of each --sku by name, in the same order; one alone is for all [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l external-id -d 'What the channel calls the order; its key is made from it [default: none, a random key]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l key -d 'Key of the order, 32 hex digits; the same one again is a retry [default: random, printed]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l version -d 'Version, from 1; the next one replaces a hold in one step' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l customer -d 'Number of the buyer' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l channel -d 'Number of the channel it is sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l ttl-ms -d 'How long the units are held at most, in milliseconds, at most 7 days' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l currency -d 'Currency of the total, ISO 4217 number; 840 is USD, 978 is EUR' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l total -d 'Total in minor units of the currency, e.g. cents' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l destination -d 'Where the buyer is, in the units of the locations [default: unknown]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l details -d 'JSON file with contact, addresses, payment token, prices; fields as in docs/PROTOCOL.md [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l partial -d 'Take what there is of each line, instead of all or nothing [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l backorder -d 'Where stock is short, let the whole order wait for it in its turn; for placed orders, while pipelines are in force [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from place" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l location -d 'Location of each --sku by name, in the same order; one alone is for all [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l external-id -d 'What the channel calls the order; its key is made from it [default: none, a random key]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l key -d 'Key of the order, 32 hex digits; the same one again is a retry [default: random, printed]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l version -d 'Version, from 1; the next one replaces a hold in one step' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l customer -d 'Number of the buyer' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l channel -d 'Number of the channel it is sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l ttl-ms -d 'How long the units are held at most, in milliseconds, at most 7 days' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l currency -d 'Currency of the total, ISO 4217 number; 840 is USD, 978 is EUR' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l total -d 'Total in minor units of the currency, e.g. cents' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l destination -d 'Where the buyer is, in the units of the locations [default: unknown]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l details -d 'JSON file with contact, addresses, payment token, prices; fields as in docs/PROTOCOL.md [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l partial -d 'Take what there is of each line, instead of all or nothing [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l backorder -d 'Where stock is short, let the whole order wait for it in its turn; for placed orders, while pipelines are in force [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from hold" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l location -d 'Location of each --sku by name, in the same order; one alone is for all [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from confirm" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l ttl-ms -d 'Time to live from now on, in milliseconds, at most 7 days' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from extend" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l location -d 'Location of each --sku by name, in the same order; one alone is for all [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from ship" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l external-id -d 'What its channel calls the order [default: none, KEY is given]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l channel -d 'Number of the channel it was sold on; 0 is the own shop' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l location -d 'Location of each --sku by name, in the same order; one alone is for all [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l disposition -d 'What happens to the units' -r -f -a "restock\t'They can be sold again'
damaged\t'They are there, but damaged'
quality-control\t'They are there and wait for quality control'"
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from return" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "place" -d 'Place an order: it enters its pipeline at once, and its process confirms it'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "hold" -d 'Hold units for a buyer until the hold is confirmed, released, or ends by time'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show an order: its state, and what became of every unit'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "confirm" -d 'Confirm a hold: its units are paid for. With lines, only those; the rest is released'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "release" -d 'Give a hold back'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel an order that has not shipped'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "extend" -d 'Let a hold end later'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "ship" -d 'Ship units of a confirmed order: they leave for good. Without lines, all that are left'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "return" -d 'Take shipped units back. Without lines, all that are out'
complete -c onhand -n "__fish_onhand_using_subcommand order; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "list" -d 'List orders in process, oldest first'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "show" -d 'Show an order: its state, units, process and effects'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "cancel" -d 'Cancel an order that has not shipped; what was done for it is undone'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "edit" -d 'Change lines or total of an order that is not confirmed: all or nothing'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "ship" -d 'Record that everything not shipped has left'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "deliver" -d 'Record that the parcel arrived'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "return" -d 'Take shipped units back. Without lines, all that are out'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "refund" -d 'Give captured money back'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and not __fish_seen_subcommand_from list show cancel edit ship deliver return refund help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l state -d 'Only orders in this state, such as REVIEW or PAYMENT [default: all]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l limit -d 'Orders of one page, 1 to 500' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l after -d 'Go on where an earlier page ended, as it said [default: from the start]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from show" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from show" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from show" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from show" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l location -d 'Location of all lines by name [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -l total -d 'New total in minor units [default: as before]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l carrier -d 'Who carries it [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -l tracking -d 'The carrier\'s number [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from ship" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from deliver" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l sku -d 'SKU by name; once for each line [default: see the command]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l quantity -d 'Units of each --sku, in the same order [default: 1 each]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l location -d 'Location of all lines by name [default: the engine chooses]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -l disposition -d 'What happens to the units: restock, damaged or quality_control' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from return" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l amount -d 'Minor units; 0 is everything captured and not given back yet' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from refund" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "list" -d 'List orders in process, oldest first'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show an order: its state, units, process and effects'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel an order that has not shipped; what was done for it is undone'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "edit" -d 'Change lines or total of an order that is not confirmed: all or nothing'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "ship" -d 'Record that everything not shipped has left'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "deliver" -d 'Record that the parcel arrived'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "return" -d 'Take shipped units back. Without lines, all that are out'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "refund" -d 'Give captured money back'
complete -c onhand -n "__fish_onhand_using_subcommand orders; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand review; and not __fish_seen_subcommand_from list approve decline help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand review; and not __fish_seen_subcommand_from list approve decline help" -f -a "list" -d 'List the queue, oldest first, with the reason of each'
complete -c onhand -n "__fish_onhand_using_subcommand review; and not __fish_seen_subcommand_from list approve decline help" -f -a "approve" -d 'Let an order go on from where it came into review'
complete -c onhand -n "__fish_onhand_using_subcommand review; and not __fish_seen_subcommand_from list approve decline help" -f -a "decline" -d 'Decline an order; what was done for it is undone'
complete -c onhand -n "__fish_onhand_using_subcommand review; and not __fish_seen_subcommand_from list approve decline help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l limit -d 'Orders of one page, 1 to 500' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l after -d 'Go on where an earlier page ended, as it said [default: from the start]' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from approve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from decline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the queue, oldest first, with the reason of each'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from help" -f -a "approve" -d 'Let an order go on from where it came into review'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from help" -f -a "decline" -d 'Decline an order; what was done for it is undone'
complete -c onhand -n "__fish_onhand_using_subcommand review; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -f -a "list" -d 'List dead letters with their causes'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -f -a "show" -d 'Show one dead letter: what was asked of whom, how often, and what came of it'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -f -a "redrive" -d 'Try again with the same key: one dead letter, or all of one cause'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -f -a "discard" -d 'Give one up: the order goes on without it'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -f -a "edit" -d 'Change the reference or recipient of one, before it is tried again'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and not __fish_seen_subcommand_from list show redrive discard edit help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l limit -d 'Orders of one page, 1 to 500' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l after -d 'Go on where an earlier page ended, as it said [default: from the start]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from show" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from show" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from show" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from show" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l provider -d 'Only those of this provider [default: any]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l kind -d 'Only effects of this kind, such as crm_update [default: any]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l code -d 'Only those that failed with this code [default: any]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l most -d 'At most so many, 1 to 1000' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l wait-ms -d 'Wait so long for what becomes of them, in milliseconds, at most 30000' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -l all -d 'Every dead letter that fits the cause given by the options below [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from redrive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from discard" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l reference -d 'The new reference or recipient' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "list" -d 'List dead letters with their causes'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one dead letter: what was asked of whom, how often, and what came of it'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "redrive" -d 'Try again with the same key: one dead letter, or all of one cause'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "discard" -d 'Give one up: the order goes on without it'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "edit" -d 'Change the reference or recipient of one, before it is tried again'
complete -c onhand -n "__fish_onhand_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and not __fish_seen_subcommand_from list show redrive discard help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and not __fish_seen_subcommand_from list show redrive discard help" -f -a "list" -d 'List events that wait for a person, oldest first, with the reason of each'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and not __fish_seen_subcommand_from list show redrive discard help" -f -a "show" -d 'Show one event with what was received'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and not __fish_seen_subcommand_from list show redrive discard help" -f -a "redrive" -d 'Work an event off once more, as if it had just come'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and not __fish_seen_subcommand_from list show redrive discard help" -f -a "discard" -d 'Give an event up'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and not __fish_seen_subcommand_from list show redrive discard help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l fate -d 'Only those that are parked, unmapped, quarantined, or open [default: the first three]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l channel -d 'Only those of this channel, by number or name [default: all]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l limit -d 'Orders of one page, 1 to 500' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l after -d 'Go on where an earlier page ended, as it said [default: from the start]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from redrive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from discard" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "list" -d 'List events that wait for a person, oldest first, with the reason of each'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one event with what was received'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "redrive" -d 'Work an event off once more, as if it had just come'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "discard" -d 'Give an event up'
complete -c onhand -n "__fish_onhand_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and not __fish_seen_subcommand_from list import help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and not __fish_seen_subcommand_from list import help" -f -a "list" -d 'List the items of a channel with their SKUs'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and not __fish_seen_subcommand_from list import help" -f -a "import" -d 'Set the mappings of a CSV file: columns `item` and `sku` (empty: none any more), and any further one for writing stock. Doing it twice changes nothing'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and not __fish_seen_subcommand_from list import help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l limit -d 'Orders of one page, 1 to 500' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l after -d 'Go on where an earlier page ended, as it said [default: from the start]' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from import" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from import" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from import" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from import" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from import" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the items of a channel with their SKUs'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from help" -f -a "import" -d 'Set the mappings of a CSV file: columns `item` and `sku` (empty: none any more), and any further one for writing stock. Doing it twice changes nothing'
complete -c onhand -n "__fish_onhand_using_subcommand mappings; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and not __fish_seen_subcommand_from list show rewind help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and not __fish_seen_subcommand_from list show rewind help" -f -a "list" -d 'List the tenant\'s subscribers: whether each is served, and how far behind it is'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and not __fish_seen_subcommand_from list show rewind help" -f -a "show" -d 'Show one with what it is sent, where it stands, and what went wrong last'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and not __fish_seen_subcommand_from list show rewind help" -f -a "rewind" -d 'Send it events from somewhere else on, or have it served again where it was given up'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and not __fish_seen_subcommand_from list show rewind help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from show" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from show" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from show" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from show" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l after -d 'The id of the event behind which it goes on (SHARD-SEQUENCE), `start` or `end` [default: where it stands]' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l reason -d 'Why, at most 240 bytes; it is journaled with your name [default: not said]' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from rewind" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the tenant\'s subscribers: whether each is served, and how far behind it is'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one with what it is sent, where it stands, and what went wrong last'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from help" -f -a "rewind" -d 'Send it events from somewhere else on, or have it served again where it was given up'
complete -c onhand -n "__fish_onhand_using_subcommand subscribers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and not __fish_seen_subcommand_from list isolate reset help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and not __fish_seen_subcommand_from list isolate reset help" -f -a "list" -d 'List every provider with the state of its breaker'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and not __fish_seen_subcommand_from list isolate reset help" -f -a "isolate" -d 'Let no call go out to a provider until it is reset: orders take the backup'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and not __fish_seen_subcommand_from list isolate reset help" -f -a "reset" -d 'Let calls go out to a provider again'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and not __fish_seen_subcommand_from list isolate reset help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from list" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from list" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from list" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from list" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from isolate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -l key -d 'Key of this command, 32 hex digits: the same one again is a retry and is not done twice [default: random, printed on standard error]' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -l http -d 'Address of the server\'s HTTP' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -l timeout-ms -d 'How long to wait for an answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -l format -d 'How to print: tables and sentences, or the server\'s JSON' -r -f -a "human\t'For people'
json\t'For programs: what the server said, on one line'"
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from help" -f -a "list" -d 'List every provider with the state of its breaker'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from help" -f -a "isolate" -d 'Let no call go out to a provider until it is reset: orders take the backup'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from help" -f -a "reset" -d 'Let calls go out to a provider again'
complete -c onhand -n "__fish_onhand_using_subcommand breakers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l count -d 'How many round trips to time' -r
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand ping" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand ping" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "default" -d 'Print a configuration file with every option, explained and at its default'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "check" -d 'Check a configuration and the files it names, without starting anything'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "show" -d 'Print every value in force and where it comes from; secrets are never among them'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Configuration file in TOML; flags override it. `onhand config default` prints one to start from [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l data -d 'Directory of the journal, its lock file and its secret. Created if it is missing. [default: onhand-data]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l listen -d 'Where clients connect over TCP. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7171]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http -d 'Where `/metrics`, `/healthz`, `/readyz`, providers\' callbacks and the REST API are served over HTTP, or `off`. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7172]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l sync -d 'When the journal is forced to the disk. `always`: before every acknowledgement, so that an acknowledged order survives a power cut. `interval=MS`: at least that often, so that a power cut loses at most that much. `os`: when the operating system likes; a power cut may lose the last half minute. The last two survive a crash of the process, not of the machine. [default: always]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l shards -d 'Engine threads, each with its own journal. Fixed when the data directory is created. [default: cores the process may use − 1, at least 1, range: 1 to 64 threads]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l pin -d 'Pin each engine thread to a core of its own, and everything else to the remaining cores. Has no effect with a single core. [default: true]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l segment-bytes -d 'Size of one journal file. A multiple of 4096. [default: 67_108_864, range: 65536 to 2147483648 bytes]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l prepared-segments -d 'Empty journal files kept allocated ahead of the writer, for each shard. [default: 2, range: 1 to 32 files]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l connections-max -d 'Open connections of the process. One more is told `OVERLOADED` and closed. [default: 20_000, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l idle-timeout-ms -d 'How long a connection may be silent before it is closed; `ping` keeps it open. [default: 600_000, range: 100 to 604800000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l orders-expected -d 'Orders of each shard for which memory is made ready at start; more are taken at the price of growing on the way. About 96 bytes each. [default: 1_048_576, range: 0 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l orders-max -d 'Orders that each shard keeps, open and ended. One more is refused with `ORDER_TABLE_FULL`. [default: 1_073_741_824, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l rejections-kept -d 'Newest refused orders that each shard remembers, so that a retry gets the same answer; the oldest is forgotten first. At most 32 bytes each, plus 8 in the index. [default: 16_777_216, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l commands-kept -d 'Newest keyed commands that each shard remembers, so that a retry is not done twice: as many for stock commands and as many for order commands. 48 bytes each. [default: 1_048_576, range: 1 to 1073741824 commands]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l channel-events-kept -d 'Ids of sales channels\' events that each shard remembers at most, against repeats. An id is remembered for 30 days; where more come within 30 days, the oldest are forgotten early, which `onhand_channel_events_forgotten_early_total` counts. About 45 bytes each, once they are there. [default: 4_194_304, range: 1048576 to 1073741824 events]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l ended-order-kept-ms -d 'How long the key of an ended order is kept, so that a late retry still gets its answer. [default: 2_592_000_000, range: 1000 to 315360000000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l token-file -d 'File of the tokens that clients may present; see `onhand token new`. Without it, anyone who reaches the port may do everything. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l tls-cert -d 'Certificate chain of the server in PEM, leaf first. Needs `tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l tls-key -d 'Private key of the certificate in PEM. Needs `tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http-tls-cert -d 'Certificate chain of the HTTP port in PEM, leaf first: it then serves HTTPS only. Needs `http_tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http-tls-key -d 'Private key of the HTTP port\'s certificate in PEM. Needs `http_tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http-requests-per-second -d 'Requests to `/v1` that one token (without a token file: one address) may make in a second, and at once. One more is answered 429 with `Retry-After`. Webhooks and callbacks are not counted: their signature admits them, and the engine\'s queue bounds them. [default: 5_000, range: 1 to 1000000 requests]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http-connections-max -d 'Open HTTP connections. One more is answered 503 with `Retry-After` and closed. [default: 8_192, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http-head-timeout-ms -d 'How long the head of an HTTP request, or a TLS handshake, may take to arrive, and how long an HTTP connection may be idle between requests. Slower is closed. [default: 10_000, range: 10 to 600000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http-body-timeout-ms -d 'How long the body of an HTTP request may take to arrive; slower is answered 408. An answer may go unread for as long; then its connection is closed. [default: 10_000, range: 10 to 600000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l public-url -d 'Where buyers reach the HTTP port from outside, such as `https://orders.example`. Messages then have the link to their order\'s page, `/track/TOKEN`. [default: unset]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l insecure-plaintext -d 'Listen away from loopback without TLS or without a token file. Tokens and orders then cross the network in clear: only behind a tunnel or on a network that you trust. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l process -d 'File of the order process: which providers serve which step, pipelines, routes and times. See `onhand pipelines init`. Without it placed orders wait until their hold ends. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l channels -d 'File of the sales channels: which shops at which marketplaces send webhooks and are told their stock. See CHANNELS.md. Without it every webhook is refused. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l subscribers -d 'File of the subscribers: addresses that events are sent to as signed webhooks. See EVENTS.md. Without it events are there for those who read `/v1/events`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l sandbox -d 'Address of an `onhand sandbox`: every step of the order process is served by it, with short times. To try things out and for tests; not together with `process`. [default: off]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l history -d 'Database of the history, a copy of the journal for questions in SQL: `sqlite` for the file `history.sqlite` in the data directory, `sqlite:FILE`, `postgres://USER@HOST:PORT/DATABASE` (its password in the environment variable ONHAND_HISTORY_PASSWORD), or `off`. [default: sqlite]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l allow-clock-behind -d 'Start although the journal\'s last time is more than 5 minutes ahead of the wall clock. Engine time then stands still until the wall clock has caught up. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Configuration file in TOML; flags override it. `onhand config default` prints one to start from [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l data -d 'Directory of the journal, its lock file and its secret. Created if it is missing. [default: onhand-data]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l listen -d 'Where clients connect over TCP. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7171]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http -d 'Where `/metrics`, `/healthz`, `/readyz`, providers\' callbacks and the REST API are served over HTTP, or `off`. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7172]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l sync -d 'When the journal is forced to the disk. `always`: before every acknowledgement, so that an acknowledged order survives a power cut. `interval=MS`: at least that often, so that a power cut loses at most that much. `os`: when the operating system likes; a power cut may lose the last half minute. The last two survive a crash of the process, not of the machine. [default: always]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l shards -d 'Engine threads, each with its own journal. Fixed when the data directory is created. [default: cores the process may use − 1, at least 1, range: 1 to 64 threads]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l pin -d 'Pin each engine thread to a core of its own, and everything else to the remaining cores. Has no effect with a single core. [default: true]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l segment-bytes -d 'Size of one journal file. A multiple of 4096. [default: 67_108_864, range: 65536 to 2147483648 bytes]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l prepared-segments -d 'Empty journal files kept allocated ahead of the writer, for each shard. [default: 2, range: 1 to 32 files]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l connections-max -d 'Open connections of the process. One more is told `OVERLOADED` and closed. [default: 20_000, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l idle-timeout-ms -d 'How long a connection may be silent before it is closed; `ping` keeps it open. [default: 600_000, range: 100 to 604800000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l orders-expected -d 'Orders of each shard for which memory is made ready at start; more are taken at the price of growing on the way. About 96 bytes each. [default: 1_048_576, range: 0 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l orders-max -d 'Orders that each shard keeps, open and ended. One more is refused with `ORDER_TABLE_FULL`. [default: 1_073_741_824, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l rejections-kept -d 'Newest refused orders that each shard remembers, so that a retry gets the same answer; the oldest is forgotten first. At most 32 bytes each, plus 8 in the index. [default: 16_777_216, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l commands-kept -d 'Newest keyed commands that each shard remembers, so that a retry is not done twice: as many for stock commands and as many for order commands. 48 bytes each. [default: 1_048_576, range: 1 to 1073741824 commands]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l channel-events-kept -d 'Ids of sales channels\' events that each shard remembers at most, against repeats. An id is remembered for 30 days; where more come within 30 days, the oldest are forgotten early, which `onhand_channel_events_forgotten_early_total` counts. About 45 bytes each, once they are there. [default: 4_194_304, range: 1048576 to 1073741824 events]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l ended-order-kept-ms -d 'How long the key of an ended order is kept, so that a late retry still gets its answer. [default: 2_592_000_000, range: 1000 to 315360000000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l token-file -d 'File of the tokens that clients may present; see `onhand token new`. Without it, anyone who reaches the port may do everything. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l tls-cert -d 'Certificate chain of the server in PEM, leaf first. Needs `tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l tls-key -d 'Private key of the certificate in PEM. Needs `tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http-tls-cert -d 'Certificate chain of the HTTP port in PEM, leaf first: it then serves HTTPS only. Needs `http_tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http-tls-key -d 'Private key of the HTTP port\'s certificate in PEM. Needs `http_tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http-requests-per-second -d 'Requests to `/v1` that one token (without a token file: one address) may make in a second, and at once. One more is answered 429 with `Retry-After`. Webhooks and callbacks are not counted: their signature admits them, and the engine\'s queue bounds them. [default: 5_000, range: 1 to 1000000 requests]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http-connections-max -d 'Open HTTP connections. One more is answered 503 with `Retry-After` and closed. [default: 8_192, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http-head-timeout-ms -d 'How long the head of an HTTP request, or a TLS handshake, may take to arrive, and how long an HTTP connection may be idle between requests. Slower is closed. [default: 10_000, range: 10 to 600000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http-body-timeout-ms -d 'How long the body of an HTTP request may take to arrive; slower is answered 408. An answer may go unread for as long; then its connection is closed. [default: 10_000, range: 10 to 600000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l public-url -d 'Where buyers reach the HTTP port from outside, such as `https://orders.example`. Messages then have the link to their order\'s page, `/track/TOKEN`. [default: unset]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l insecure-plaintext -d 'Listen away from loopback without TLS or without a token file. Tokens and orders then cross the network in clear: only behind a tunnel or on a network that you trust. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l process -d 'File of the order process: which providers serve which step, pipelines, routes and times. See `onhand pipelines init`. Without it placed orders wait until their hold ends. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l channels -d 'File of the sales channels: which shops at which marketplaces send webhooks and are told their stock. See CHANNELS.md. Without it every webhook is refused. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l subscribers -d 'File of the subscribers: addresses that events are sent to as signed webhooks. See EVENTS.md. Without it events are there for those who read `/v1/events`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l sandbox -d 'Address of an `onhand sandbox`: every step of the order process is served by it, with short times. To try things out and for tests; not together with `process`. [default: off]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l history -d 'Database of the history, a copy of the journal for questions in SQL: `sqlite` for the file `history.sqlite` in the data directory, `sqlite:FILE`, `postgres://USER@HOST:PORT/DATABASE` (its password in the environment variable ONHAND_HISTORY_PASSWORD), or `off`. [default: sqlite]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l allow-clock-behind -d 'Start although the journal\'s last time is more than 5 minutes ahead of the wall clock. Engine time then stands still until the wall clock has caught up. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print JSON instead of a table [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "default" -d 'Print a configuration file with every option, explained and at its default'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a configuration and the files it names, without starting anything'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print every value in force and where it comes from; secrets are never among them'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and not __fish_seen_subcommand_from init check show help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and not __fish_seen_subcommand_from init check show help" -f -a "init" -d 'Print a process file to start from, explained'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and not __fish_seen_subcommand_from init check show help" -f -a "check" -d 'Check a process file and the secrets it names, without starting or calling anything'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and not __fish_seen_subcommand_from init check show help" -f -a "show" -d 'Print which way orders take and who serves each step'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and not __fish_seen_subcommand_from init check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from init" -l sandbox -d 'Print the one that `serve --sandbox` uses instead: everything is served by the sandbox at this address, with short times [default: none]' -r
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from help" -f -a "init" -d 'Print a process file to start from, explained'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a process file and the secrets it names, without starting or calling anything'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print which way orders take and who serves each step'
complete -c onhand -n "__fish_onhand_using_subcommand pipelines; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -f -a "new" -d 'Draw a token, print it once, and append its line to the server\'s token file'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -f -a "list" -d 'List who is in a token file'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l name -d 'Who will use it: the name that the journal writes down with everything done by it; 1 to 64 bytes [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l role -d 'What it may do: read-only, connector (orders), operator (stock as well) or admin [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l tenant -d 'The only tenant it may act for, or `*` for any [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l file -d 'Token file to append the line to, made with mode 0600 if it is missing [default: print the line on standard error]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l expires -d 'When it ends: RFC 3339, such as 2027-01-31T12:00:00Z [default: never]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l json -d 'Print JSON instead of the bare token [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from list" -l file -d 'The server\'s token file [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from list" -l json -d 'Print JSON instead of a table [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "new" -d 'Draw a token, print it once, and append its line to the server\'s token file'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "list" -d 'List who is in a token file'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand doctor" -l data -d 'Data directory; while it is missing, the directory that it would be made in is looked at' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand doctor" -l json -d 'Print JSON instead of lines [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand verify" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand verify" -l ledger -d 'File of acknowledgements that a client wrote, one JSON object a line with tenant, key, version, code and, if known, sequence, replayed and state; may be given several times [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand verify" -l provider-ledger -d 'The providers\' ledger, as the sandbox answers to GET /_sandbox/ledger (one file may hold several pages); its money and parcels are held against the journal; may be given several times [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand verify" -l rejections-kept -d 'Newest refusals of orders that the server was configured to remember' -r
complete -c onhand -n "__fish_onhand_using_subcommand verify" -l commands-kept -d 'Newest keyed commands that the server was configured to remember' -r
complete -c onhand -n "__fish_onhand_using_subcommand verify" -l json -d 'Print one JSON object instead of a table [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand verify" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and not __fish_seen_subcommand_from segments records help" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and not __fish_seen_subcommand_from segments records help" -l shard -d 'Only this shard [default: all shards]' -r
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and not __fish_seen_subcommand_from segments records help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and not __fish_seen_subcommand_from segments records help" -f -a "segments" -d 'The segment files: their records, bytes used, seals; and where the journal ends'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and not __fish_seen_subcommand_from segments records help" -f -a "records" -d 'The records, one JSON object a line, with names instead of numbers'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and not __fish_seen_subcommand_from segments records help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from segments" -l json -d 'Print JSON, one object a line, instead of a table [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from segments" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from records" -l from -d 'First sequence to print' -r
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from records" -l to -d 'Last sequence to print [default: the last one there is]' -r
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from records" -l limit -d 'Print at most this many records [default: no bound]' -r
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from records" -l follow -d 'Go on with records as they become durable, until interrupted [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from records" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "segments" -d 'The segment files: their records, bytes used, seals; and where the journal ends'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "records" -d 'The records, one JSON object a line, with names instead of numbers'
complete -c onhand -n "__fish_onhand_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand export" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand export" -l csv -d 'What to write [no default]' -r -f -a "stock\t'Stock, one row a SKU and location'
orders\t'Orders, one row an order line'"
complete -c onhand -n "__fish_onhand_using_subcommand export" -l out -d 'File to write, replaced as a whole at the end [default: standard output]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand export" -l json -d 'Print the number of rows as JSON; needs --out [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand import" -l csv -d 'What the rows are [no default]' -r -f -a "stock\t'Stock, one row a SKU and location'
orders\t'Orders, one row an order line'"
complete -c onhand -n "__fish_onhand_using_subcommand import" -l import-id -d 'Name of this import: equal rows of imports with the same name are done once, those of another one again [default: the name of the file]' -r
complete -c onhand -n "__fish_onhand_using_subcommand import" -l server -d 'Address of the server' -r
complete -c onhand -n "__fish_onhand_using_subcommand import" -l tenant -d 'The tenant to work for, 1 to 64 bytes' -r
complete -c onhand -n "__fish_onhand_using_subcommand import" -l token-file -d 'File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no token]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand import" -l tls-ca -d 'Connect with TLS and trust the certificates in this PEM file [default: no TLS]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand import" -l tls-name -d 'Name that the server\'s certificate must have [default: the host of --server]' -r
complete -c onhand -n "__fish_onhand_using_subcommand import" -l timeout-ms -d 'How long to wait for the connection and for each answer, in milliseconds' -r
complete -c onhand -n "__fish_onhand_using_subcommand import" -l define -d 'Define SKUs and locations that the server does not know, instead of refusing their rows [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand import" -l json -d 'Print JSON, one value a line, instead of sentences and tables [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l order -d 'The order with this key, 32 hex digits [default: none]' -r
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l external-id -d 'The order that a channel calls so; needs --channel [default: none]' -r
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l channel -d 'Number of the channel of --external-id [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l sku -d 'The SKU of this name [default: none]' -r
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l tenant -d 'Only of this tenant [default: of every tenant]' -r
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l at -d 'The moment: a sequence, or a time such as 2026-11-27T09:00:00Z; what came later is left out [default: the end of the journal]' -r
complete -c onhand -n "__fish_onhand_using_subcommand explain" -l json -d 'Print JSON, one object a line, instead of sentences [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand explain" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l order -d 'Only about the order with this key, 32 hex digits [default: every order]' -r
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l actor -d 'Only by the actor of this name; `engine` is the order process and its timers [default: everybody]' -r
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l tenant -d 'Only of this tenant [default: of every tenant]' -r
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l from -d 'Not before this time, such as 2026-11-27T09:00:00Z [default: from the first record]' -r
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l to -d 'Before this time [default: to the last record]' -r
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -l format -d 'How records are written' -r -f -a "json\t'One JSON object a line'
csv\t'Comma-separated values with a heading'"
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -f -a "report" -d 'Check everything that can be proved, and count what an auditor asks for'
complete -c onhand -n "__fish_onhand_using_subcommand audit; and not __fish_seen_subcommand_from report help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand audit; and __fish_seen_subcommand_from report" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand audit; and __fish_seen_subcommand_from report" -l provider-ledger -d 'The providers\' ledger, as the sandbox answers to GET /_sandbox/ledger; may be given several times [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand audit; and __fish_seen_subcommand_from report" -l format -d 'How the report is written' -r -f -a "text\t'A table for people'
json\t'One JSON object'"
complete -c onhand -n "__fish_onhand_using_subcommand audit; and __fish_seen_subcommand_from report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "report" -d 'Check everything that can be proved, and count what an auditor asks for'
complete -c onhand -n "__fish_onhand_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand history; and not __fish_seen_subcommand_from rebuild help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand history; and not __fish_seen_subcommand_from rebuild help" -f -a "rebuild" -d 'Empty the history and write it anew from the journal'
complete -c onhand -n "__fish_onhand_using_subcommand history; and not __fish_seen_subcommand_from rebuild help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand history; and __fish_seen_subcommand_from rebuild" -l data -d 'The data directory [no default]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand history; and __fish_seen_subcommand_from rebuild" -l history -d 'The database, as the option `history` of the server names it' -r
complete -c onhand -n "__fish_onhand_using_subcommand history; and __fish_seen_subcommand_from rebuild" -l json -d 'Print one JSON object instead of a sentence [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand history; and __fish_seen_subcommand_from rebuild" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c onhand -n "__fish_onhand_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "rebuild" -d 'Empty the history and write it anew from the journal'
complete -c onhand -n "__fish_onhand_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand completions" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "demo" -d 'Kill a flash sale half-way and show that nothing was lost and nothing sold twice'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "serve" -d 'Run the server until SIGTERM or SIGINT'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "sandbox" -d 'Serve the providers\' interfaces locally, with faults on demand, until SIGTERM or SIGINT'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "sku" -d 'Define and list what is sold, on a running server'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "location" -d 'Define and list where stock is, on a running server'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "stock" -d 'Receive, correct, move, show and watch stock, on a running server'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "channels" -d 'Define sales channels, what each may sell, and campaigns, over a running server\'s HTTP'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "order" -d 'Take orders and follow them to their end, on a running server'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "orders" -d 'Follow orders through their process, and act on them, over a running server\'s HTTP'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "review" -d 'Decide about orders that wait for a person'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "dlq" -d 'Look at effects that exhausted their attempts, try them again or give them up'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "quarantine" -d 'Look at what channels sent and nobody could use, work it off again or give it up'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "mappings" -d 'Say which SKU each item of a channel stands for'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "subscribers" -d 'See how far subscribers of events are, and send one events again'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "breakers" -d 'See and change whether calls to the providers go out'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "ping" -d 'Time a round trip to a running server'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "config" -d 'Print a commented configuration file, check one, or show what is in force'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "pipelines" -d 'Print a process file to start from, check one, or show which way orders take'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "token" -d 'Make and list the tokens that clients present'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "doctor" -d 'Look at this machine: is it fit to run the server, and what should be changed?'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "verify" -d 'Check every claim about a data directory with code of its own; changes nothing'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "inspect" -d 'Show segments and records of a data directory, and where it is damaged'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "export" -d 'Write stock or orders of a data directory as CSV'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "import" -d 'Send the rows of a CSV file to a server, each of them once'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "explain" -d 'Tell what happened to an order or a SKU, at any past moment'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "audit" -d 'Tell who did what, and report what can be proved of a data directory'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "history" -d 'Look after the history, the journal\'s copy in SQL'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "completions" -d 'Print the completions of a shell, to be sourced by it'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from demo serve sandbox sku location stock channels order orders review dlq quarantine mappings subscribers breakers ping config pipelines token doctor verify inspect export import explain audit history completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from sku" -f -a "add" -d 'Define SKUs, or change whether they are on sale and who waits for them first; safe to repeat'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from sku" -f -a "list" -d 'List the tenant\'s SKUs in order of their definition'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from location" -f -a "add" -d 'Define a location; safe to repeat. One that exists keeps its place and priority'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from location" -f -a "list" -d 'List the tenant\'s locations in order of their definition'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "receive" -d 'Stock arrived: add units to on hand'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "adjust" -d 'Correct on hand by a difference, e.g. after a count or a loss'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "set" -d 'Set on hand to a number, if it still is what you think it is'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "transfer" -d 'Move available units to another location'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "move" -d 'Move units within a location: to or from safety stock, damaged or quality control'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "show" -d 'Show the quantities of SKUs at each location'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from stock" -f -a "watch" -d 'Print the stock of SKUs whenever it changes, until interrupted'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "list" -d 'List every channel with its rules, and every campaign'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "define" -d 'Define a channel, or give it another name or kind'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "rule" -d 'Set what a channel gets of a SKU: a share of the pool, a quota of its own, or a cap'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "stock" -d 'Show what a channel is to offer'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "campaign" -d 'Plan a campaign, or end one'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "place" -d 'Place an order: it enters its pipeline at once, and its process confirms it'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "hold" -d 'Hold units for a buyer until the hold is confirmed, released, or ends by time'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "show" -d 'Show an order: its state, and what became of every unit'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "confirm" -d 'Confirm a hold: its units are paid for. With lines, only those; the rest is released'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "release" -d 'Give a hold back'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "cancel" -d 'Cancel an order that has not shipped'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "extend" -d 'Let a hold end later'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "ship" -d 'Ship units of a confirmed order: they leave for good. Without lines, all that are left'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from order" -f -a "return" -d 'Take shipped units back. Without lines, all that are out'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "list" -d 'List orders in process, oldest first'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "show" -d 'Show an order: its state, units, process and effects'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "cancel" -d 'Cancel an order that has not shipped; what was done for it is undone'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "edit" -d 'Change lines or total of an order that is not confirmed: all or nothing'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "ship" -d 'Record that everything not shipped has left'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "deliver" -d 'Record that the parcel arrived'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "return" -d 'Take shipped units back. Without lines, all that are out'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from orders" -f -a "refund" -d 'Give captured money back'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from review" -f -a "list" -d 'List the queue, oldest first, with the reason of each'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from review" -f -a "approve" -d 'Let an order go on from where it came into review'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from review" -f -a "decline" -d 'Decline an order; what was done for it is undone'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "list" -d 'List dead letters with their causes'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "show" -d 'Show one dead letter: what was asked of whom, how often, and what came of it'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "redrive" -d 'Try again with the same key: one dead letter, or all of one cause'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "discard" -d 'Give one up: the order goes on without it'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "edit" -d 'Change the reference or recipient of one, before it is tried again'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "list" -d 'List events that wait for a person, oldest first, with the reason of each'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "show" -d 'Show one event with what was received'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "redrive" -d 'Work an event off once more, as if it had just come'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "discard" -d 'Give an event up'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from mappings" -f -a "list" -d 'List the items of a channel with their SKUs'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from mappings" -f -a "import" -d 'Set the mappings of a CSV file: columns `item` and `sku` (empty: none any more), and any further one for writing stock. Doing it twice changes nothing'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from subscribers" -f -a "list" -d 'List the tenant\'s subscribers: whether each is served, and how far behind it is'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from subscribers" -f -a "show" -d 'Show one with what it is sent, where it stands, and what went wrong last'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from subscribers" -f -a "rewind" -d 'Send it events from somewhere else on, or have it served again where it was given up'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from breakers" -f -a "list" -d 'List every provider with the state of its breaker'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from breakers" -f -a "isolate" -d 'Let no call go out to a provider until it is reset: orders take the backup'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from breakers" -f -a "reset" -d 'Let calls go out to a provider again'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "default" -d 'Print a configuration file with every option, explained and at its default'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check a configuration and the files it names, without starting anything'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print every value in force and where it comes from; secrets are never among them'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from pipelines" -f -a "init" -d 'Print a process file to start from, explained'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from pipelines" -f -a "check" -d 'Check a process file and the secrets it names, without starting or calling anything'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from pipelines" -f -a "show" -d 'Print which way orders take and who serves each step'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "new" -d 'Draw a token, print it once, and append its line to the server\'s token file'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List who is in a token file'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "segments" -d 'The segment files: their records, bytes used, seals; and where the journal ends'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "records" -d 'The records, one JSON object a line, with names instead of numbers'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "report" -d 'Check everything that can be proved, and count what an auditor asks for'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "rebuild" -d 'Empty the history and write it anew from the journal'
