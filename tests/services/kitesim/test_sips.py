"""A plan of the fund desk."""

from __future__ import annotations

from services.books_rig import SCHEME
from services.kitesim_rig import Kitesim


def test_a_sip_lives_and_ends(running: Kitesim) -> None:
    client = running.client()

    made = client.place_mf_sip(SCHEME, 1000, -1, "monthly", initial_amount=5000, instalment_day=5)

    sip = client.mf_sips(made["sip_id"])
    assert (sip["status"], sip["next_instalment"], sip["instalments"]) == ("ACTIVE", "2026-12-05", -1)
    assert client.mf_orders(made["order_id"])["variety"] == "sip"
    client.modify_mf_sip(made["sip_id"], frequency="weekly", amount=2000, status="paused")
    sip = client.mf_sips(made["sip_id"])
    assert (sip["status"], sip["next_instalment"], sip["instalment_amount"]) == ("PAUSED", "2026-11-26", 2000)
    client.cancel_mf_sip(made["sip_id"])
    assert [row["status"] for row in client.mf_sips()] == ["CANCELLED"]
