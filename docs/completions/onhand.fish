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
complete -c onhand -n "__fish_onhand_needs_command" -f -a "config" -d 'Print a commented configuration file, check one, or show what is in force'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "token" -d 'Make and list the tokens that clients present'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "doctor" -d 'Look at this machine: is it fit to run the server, and what should be changed?'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "completions" -d 'Print the completions of a shell, to be sourced by it'
complete -c onhand -n "__fish_onhand_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "default" -d 'Print a configuration file with every option, explained and at its default'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "check" -d 'Check a configuration and the files it names, without starting anything'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "show" -d 'Print every value in force and where it comes from; secrets are never among them'
complete -c onhand -n "__fish_onhand_using_subcommand config; and not __fish_seen_subcommand_from default check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Configuration file in TOML; flags override it. `onhand config default` prints one to start from [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l data -d 'Directory of the journal, its lock file and its secret. Created if it is missing. [default: onhand-data]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l listen -d 'Where clients connect over TCP. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7171]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l http -d 'Where `/metrics`, `/healthz` and `/readyz` are served over plain HTTP, or `off`. Port 0 lets the operating system choose. [default: 127.0.0.1:7172]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l sync -d 'When the journal is forced to the disk. `always`: before every acknowledgement, so that an acknowledged order survives a power cut. `interval=MS`: at least that often, so that a power cut loses at most that much. `os`: when the operating system likes; a power cut may lose the last half minute. The last two survive a crash of the process, not of the machine. [default: always]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l shards -d 'Engine threads, each with its own journal. Fixed when the data directory is created. [default: cores the process may use − 1, at least 1, range: 1 to 64 threads]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l pin -d 'Pin each engine thread to a core of its own, and everything else to the remaining cores. Has no effect with a single core. [default: true]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l segment-bytes -d 'Size of one journal file. A multiple of 4096. [default: 67_108_864, range: 65536 to 1073741824 bytes]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l prepared-segments -d 'Empty journal files kept allocated ahead of the writer, for each shard. [default: 2, range: 1 to 64 files]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l connections-max -d 'Open connections of the process. One more is told `OVERLOADED` and closed. [default: 20_000, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l idle-timeout-ms -d 'How long a connection may be silent before it is closed; `ping` keeps it open. [default: 600_000, range: 100 to 604800000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l orders-expected -d 'Orders of each shard for which memory is made ready at start; more are taken at the price of growing on the way. About 96 bytes each. [default: 1_048_576, range: 0 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l orders-max -d 'Orders that each shard keeps, open and ended. One more is refused with `ORDER_TABLE_FULL`. [default: 1_073_741_824, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l rejections-kept -d 'Newest refused orders that each shard remembers, so that a retry gets the same answer; the oldest is forgotten first. At most 32 bytes each, plus 8 in the index. [default: 16_777_216, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l commands-kept -d 'Newest keyed commands that each shard remembers, so that a retry is not done twice: as many for stock commands and as many for order commands. 48 bytes each. [default: 1_048_576, range: 1 to 1073741824 commands]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l ended-order-kept-ms -d 'How long the key of an ended order is kept, so that a late retry still gets its answer. [default: 2_592_000_000, range: 1000 to 315360000000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l token-file -d 'File of the tokens that clients may present; see `onhand token new`. Without it, anyone who reaches the port may do everything. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l tls-cert -d 'Certificate chain of the server in PEM, leaf first. Needs `tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l tls-key -d 'Private key of the certificate in PEM. Needs `tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l insecure-plaintext -d 'Listen away from loopback without TLS or without a token file. Tokens and orders then cross the network in clear: only behind a tunnel or on a network that you trust. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -l allow-clock-behind -d 'Start although the journal\'s last time is more than 5 minutes ahead of the wall clock. Engine time then stands still until the wall clock has caught up. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Configuration file in TOML; flags override it. `onhand config default` prints one to start from [default: none]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l data -d 'Directory of the journal, its lock file and its secret. Created if it is missing. [default: onhand-data]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l listen -d 'Where clients connect over TCP. Port 0 lets the operating system choose. Away from loopback a token file and TLS are required, unless `insecure_plaintext` is set. [default: 127.0.0.1:7171]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l http -d 'Where `/metrics`, `/healthz` and `/readyz` are served over plain HTTP, or `off`. Port 0 lets the operating system choose. [default: 127.0.0.1:7172]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l sync -d 'When the journal is forced to the disk. `always`: before every acknowledgement, so that an acknowledged order survives a power cut. `interval=MS`: at least that often, so that a power cut loses at most that much. `os`: when the operating system likes; a power cut may lose the last half minute. The last two survive a crash of the process, not of the machine. [default: always]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l shards -d 'Engine threads, each with its own journal. Fixed when the data directory is created. [default: cores the process may use − 1, at least 1, range: 1 to 64 threads]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l pin -d 'Pin each engine thread to a core of its own, and everything else to the remaining cores. Has no effect with a single core. [default: true]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l segment-bytes -d 'Size of one journal file. A multiple of 4096. [default: 67_108_864, range: 65536 to 1073741824 bytes]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l prepared-segments -d 'Empty journal files kept allocated ahead of the writer, for each shard. [default: 2, range: 1 to 64 files]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l connections-max -d 'Open connections of the process. One more is told `OVERLOADED` and closed. [default: 20_000, range: 1 to 1000000 connections]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l idle-timeout-ms -d 'How long a connection may be silent before it is closed; `ping` keeps it open. [default: 600_000, range: 100 to 604800000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l orders-expected -d 'Orders of each shard for which memory is made ready at start; more are taken at the price of growing on the way. About 96 bytes each. [default: 1_048_576, range: 0 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l orders-max -d 'Orders that each shard keeps, open and ended. One more is refused with `ORDER_TABLE_FULL`. [default: 1_073_741_824, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l rejections-kept -d 'Newest refused orders that each shard remembers, so that a retry gets the same answer; the oldest is forgotten first. At most 32 bytes each, plus 8 in the index. [default: 16_777_216, range: 1 to 1073741824 orders]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l commands-kept -d 'Newest keyed commands that each shard remembers, so that a retry is not done twice: as many for stock commands and as many for order commands. 48 bytes each. [default: 1_048_576, range: 1 to 1073741824 commands]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l ended-order-kept-ms -d 'How long the key of an ended order is kept, so that a late retry still gets its answer. [default: 2_592_000_000, range: 1000 to 315360000000 milliseconds]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l token-file -d 'File of the tokens that clients may present; see `onhand token new`. Without it, anyone who reaches the port may do everything. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l tls-cert -d 'Certificate chain of the server in PEM, leaf first. Needs `tls_key`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l tls-key -d 'Private key of the certificate in PEM. Needs `tls_cert`. [default: unset]' -r -F
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l insecure-plaintext -d 'Listen away from loopback without TLS or without a token file. Tokens and orders then cross the network in clear: only behind a tunnel or on a network that you trust. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l allow-clock-behind -d 'Start although the journal\'s last time is more than 5 minutes ahead of the wall clock. Engine time then stands still until the wall clock has caught up. [default: false]' -r
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print JSON instead of a table [default: off]'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "default" -d 'Print a configuration file with every option, explained and at its default'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a configuration and the files it names, without starting anything'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print every value in force and where it comes from; secrets are never among them'
complete -c onhand -n "__fish_onhand_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -f -a "new" -d 'Draw a token, print it once, and append its line to the server\'s token file'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -f -a "list" -d 'List who is in a token file'
complete -c onhand -n "__fish_onhand_using_subcommand token; and not __fish_seen_subcommand_from new list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l name -d 'Who will use it: the name that the journal writes down with everything done by it; 1 to 64 bytes [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l role -d 'What it may do: read-only, connector (orders), operator (stock as well) or admin [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l tenant -d 'The only tenant it may act for, or `*` for any [no default]' -r
complete -c onhand -n "__fish_onhand_using_subcommand token; and __fish_seen_subcommand_from new" -l file -d 'Token file to append the line to, made with mode 0600 if it is missing [default: print the line on standard error]' -r -F
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
complete -c onhand -n "__fish_onhand_using_subcommand completions" -s h -l help -d 'Print help'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from config token doctor completions help" -f -a "config" -d 'Print a commented configuration file, check one, or show what is in force'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from config token doctor completions help" -f -a "token" -d 'Make and list the tokens that clients present'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from config token doctor completions help" -f -a "doctor" -d 'Look at this machine: is it fit to run the server, and what should be changed?'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from config token doctor completions help" -f -a "completions" -d 'Print the completions of a shell, to be sourced by it'
complete -c onhand -n "__fish_onhand_using_subcommand help; and not __fish_seen_subcommand_from config token doctor completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "default" -d 'Print a configuration file with every option, explained and at its default'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check a configuration and the files it names, without starting anything'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print every value in force and where it comes from; secrets are never among them'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "new" -d 'Draw a token, print it once, and append its line to the server\'s token file'
complete -c onhand -n "__fish_onhand_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List who is in a token file'
