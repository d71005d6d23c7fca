"""Runs the official KiteTicker, unmodified, and prints each of its callbacks as a line of JSON.

Usage: official_ticker.py ROOT API_KEY TOKEN '{"full": [408065]}'
"""

import json
import sys

from kiteconnect import KiteTicker


def say(call, **what):
    print(json.dumps({"call": call, **what}, default=str), flush=True)


def main(root, api_key, token, modes):
    ticker = KiteTicker(api_key, token, root=root)

    def connected(socket, response):
        say("connect")
        for mode, tokens in json.loads(modes).items():
            socket.subscribe(tokens)
            socket.set_mode(mode, tokens)

    ticker.on_connect = connected
    ticker.on_ticks = lambda socket, ticks: say("ticks", ticks=ticks)
    ticker.on_order_update = lambda socket, data: say("order", data=data)
    ticker.on_message = lambda socket, payload, binary: say("message", bytes=len(payload) if binary else -1)
    ticker.on_error = lambda socket, code, reason: say("error", code=code, reason=str(reason))
    ticker.on_close = lambda socket, code, reason: say("close", code=code, reason=str(reason))
    ticker.connect()


main(*sys.argv[1:])
