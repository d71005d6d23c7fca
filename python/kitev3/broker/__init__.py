"""The broker: one interface, its ends, and the one door by which a write leaves.

interface   what every end can do
kite        Kite over HTTP, through the official client
direct      the exchange object in this process
readonly    the official client with its writes removed
egress      the checks right before the first byte; pace counts, adapter puts them into the client
rest        the one thread that all broker REST runs on
session     login to token
"""
