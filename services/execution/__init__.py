"""Execution: the only process that writes to the broker.

Hears `risk.approved`, `marketdata.order_frame`, `marketdata.instrument`, `control.*` and the broker's answers. Says
`execution.intent`, `.sending`, `.order_placed`, `.update`, `.fill`, `.reject`, `.unknown`, `.book`, `.holdings`,
`.adjust`, `.forged`, `.funds`, `.reconciled`, and `.read`, by which it asks its driver for the book.

    service   the handler: what is heard, and to whom it goes
    orders    own orders: what was approved, sent, and came of it
    book      the broker's books: updates and fills; merge and fills make one of many sightings
    positions what was brought in and traded, compared with the broker's
    reads     when to read, and what a read proves
    driver    does what the handler says, through `kitev3.broker`
"""
