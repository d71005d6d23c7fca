"""The local exchange, behind Kite's own protocol.

Hears HTTP and WebSocket of the Kite API and ``control.*``; says the same, and ``kitesim.market`` to its own driver.

    opening   an exchange from its settings
    access    from which addresses orders may come, and when tokens die
    logins    keys, request tokens, access tokens
    routes    the REST routes, a file for each noun
    books     what the broker keeps beside the exchange: `alerts` with their `conditions` and `baskets`, mutual `funds`
              with their `sips`
    triggers  the form of a trigger (GTT)
    sockets   the ticker's connections: subscriptions, frames, heartbeats
    replay    everything asked again after a crash
    postbacks order updates, posted to the applications
    stepper   the market's steps at the clock's pace, slowed by readers that fall behind
    page      the operator's: market, accounts, orders and faults in a browser
    access_log   what was asked, how often, and what was refused
    faults    the ways in which the real broker lies, each by its name; in front of the server when asked for
    server    all of them on one port
    service   as a service of the system: control, the tape, recovery; `driver` serves it
    options   the exchange alone: its command line, and the same as TOML
    state     its memory between two runs
    standalone   the exchange alone, served
"""
