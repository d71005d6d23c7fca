"""The mutual fund schemes of the simulated day, and the file that lists them. Real names; the prices are made up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A row of the instruments file. Amounts and price in rupees."""

    tradingsymbol: str  # the ISIN
    amc: str
    name: str
    price: float
    minimum: int = 100
    multiplier: int = 1
    additional: int = 100
    redemption: float = 0.001
    redemption_multiplier: float = 0.001
    purchase_allowed: bool = True
    dividend_type: str = "growth"
    scheme_type: str = "equity"
    settlement: str = "T2"


SCHEMES = (
    Scheme(
        tradingsymbol="INF109K016L0",
        amc="ICICIPrudentialMutualFund_MF",
        name="ICICI Prudential Bluechip Fund - Direct Plan",
        price=128.41,
    ),
    Scheme(
        tradingsymbol="INF179K01YV8",
        amc="HDFCMutualFund_MF",
        name="HDFC Index Fund NIFTY 50 Plan - Direct Plan",
        price=251.37,
    ),
    Scheme(
        tradingsymbol="INF846K01DP8",
        amc="AXISMUTUALFUND_MF",
        name="Axis Bluechip Fund - Direct Plan",
        price=71.86,
        minimum=500,
    ),
    Scheme(
        tradingsymbol="INF204K01XI3",
        amc="RelianceMutualFund_MF",
        name="Nippon India Liquid Fund - Direct Plan",
        price=6541.1287,
        minimum=1000,
        scheme_type="liquid",
        settlement="T1",
    ),
    Scheme(
        tradingsymbol="INF740K01QD1",
        amc="DSP_MF",
        name="DSP Tax Saver Fund - Direct Plan",
        price=149.207,
        minimum=500,
        multiplier=500,
        additional=500,
        scheme_type="elss",
        settlement="T3",
    ),
    Scheme(
        tradingsymbol="INF090I01239",
        amc="FRANKLINTEMPLETON",
        name="Franklin India Prima Plus",
        price=1042.3,
        purchase_allowed=False,
        dividend_type="payout",
    ),
)
HEADER = (
    "tradingsymbol,amc,name,purchase_allowed,redemption_allowed,minimum_purchase_amount,purchase_amount_multiplier,"
    "minimum_additional_purchase_amount,minimum_redemption_quantity,redemption_quantity_multiplier,dividend_type,"
    "scheme_type,plan,settlement_type,last_price,last_price_date"
)


def instruments_csv(price_date: str) -> str:
    """The instruments file, with the date of the prices."""
    rows = (
        f"{s.tradingsymbol},{s.amc},{s.name},{int(s.purchase_allowed)},1,{s.minimum},{s.multiplier},{s.additional},"
        f"{s.redemption},{s.redemption_multiplier},{s.dividend_type},{s.scheme_type},direct,{s.settlement},{s.price},"
        f"{price_date}"
        for s in SCHEMES
    )
    return "\n".join([HEADER, *rows]) + "\n"
