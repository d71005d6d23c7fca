from kitev3.runtime.process import main

main(["marketdata"])
