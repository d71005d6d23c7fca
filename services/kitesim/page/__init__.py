"""The operator's page: the exchange as who runs it sees it, all accounts at once, and the switches of its faults.

It is at /_sim of the exchange's own port, and there only when that port is this machine's alone. Nothing is made for it
until it asks, so it costs nothing while nobody looks.

    entrance  who is let in: by a link that is good once
    guard   who may see it: this machine, by its own name, and no page of somebody else's
    files   what a browser loads
    queries what it is shown, as plain data
    routes  its addresses
"""
