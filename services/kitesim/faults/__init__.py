"""Named faults: the ways in which the real broker lies, is late, or says nothing.

The exchange behind does not know them. They act in a relay in front of it, which is there only when an admin address or
a `[[fault]]` is given; what only the exchange can do, it is asked for through `controls`.

    fault      what all faults have in common: when they happen, and to what
    catalogue  every fault by its name
    requests   faults of a request and its answer: late, lost, cut off, refused
    orders     faults of one order on its way
    books      answers that are out of date, incomplete, or of another clock
    frames     faults of the socket
    market     the halt
    board      which faults are active, and the seeded draw
    wire, http, websocket   bytes: a TCP connection, HTTP/1.1 messages, WebSocket frames
    relay      takes every connection, and lets the faults happen
    switches   what a person does with them while it runs: looks, on, off
    admin      the same for programs, on an address of its own
    front      a server with relay and admin in front of it
"""
