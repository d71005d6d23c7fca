from kitev3.process import main

main(["risk_portfolio"])
