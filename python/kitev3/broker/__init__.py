"""The broker: one interface, its ends, and the one door by which a write leaves.

interface   what every end can do
kite        Kite over HTTP, through the official client
direct      the exchange object in this process
null        an account without a broker
rows        the broker's books, read row by row; row reads one field
classify    what an answer proves
tags        the tag by which an order of ours is known
readonly    the official client with its writes removed
egress      the checks right before the first byte; pace counts, adapter puts them into the client
rest        the one thread that all broker REST runs on
session     login to token
"""
