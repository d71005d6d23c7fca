from kitev3.process import main

main(["kitesim"])
