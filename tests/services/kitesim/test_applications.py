"""Several keys and several users at one exchange."""

from __future__ import annotations

from pathlib import Path

import pytest
from kiteconnect import KiteConnect, exceptions
from kitev3.errors import ConfigError
from kitev3.services.kitesim.applications import users_of
from kitev3.services.kitesim.options import read_options

from services.kitesim_rig import API_KEY, kitesim

TWO = """
[[account]]
user = "KS0002"
api_key = "second"
access_token = "S3cond"

[[account]]
user = "KS0001"
api_key = "third"
access_token = "Th1rd"
"""


def settings(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "kitesim.toml"
    file.write_text(text)
    return ("--settings", str(file))


def buy(client: KiteConnect, price: float = 1400) -> str:
    return str(
        client.place_order(
            variety="regular",
            exchange="NSE",
            tradingsymbol="INFY",
            transaction_type="BUY",
            quantity=1,
            product="CNC",
            order_type="LIMIT",
            price=price,
        )
    )


def test_each_user_has_an_account_and_each_key_its_login(tmp_path: Path) -> None:
    with kitesim(*settings(tmp_path, TWO)) as running:
        first = running.client()
        second = KiteConnect(api_key="second", access_token="S3cond", root=running.root)
        third = KiteConnect(api_key="third", access_token="Th1rd", root=running.root)

        order_id = buy(second)

        assert [row["order_id"] for row in second.orders()] == [order_id]
        assert second.profile()["user_id"] == "KS0002"
        assert first.orders() == third.orders() == []
        mine = buy(third)
        assert [row["order_id"] for row in first.orders()] == [mine], "two keys of one user are one account"
        first.set_access_token("S3cond")
        with pytest.raises(exceptions.TokenException):
            first.orders()


def test_every_account_comes_back_with_its_orders(tmp_path: Path) -> None:
    options = (*settings(tmp_path, TWO), "--state", str(tmp_path / "state"))
    with kitesim(*options) as running:
        first = buy(running.client())
        second = buy(KiteConnect(api_key="second", access_token="S3cond", root=running.root))
        running.process.kill()
        running.process.wait()

    with kitesim(*options) as running:
        again = KiteConnect(api_key="second", access_token="S3cond", root=running.root)
        assert [row["order_id"] for row in running.client().orders()] == [first]
        assert [row["order_id"] for row in again.orders()] == [second]


def test_users_are_counted_once_and_the_options_own_comes_first(tmp_path: Path) -> None:
    accounts = read_options([*settings(tmp_path, TWO), "--api-key", API_KEY]).accounts

    assert users_of(accounts) == ("KS0001", "KS0002")
    assert [account.api_key for account in accounts] == [API_KEY, "second", "third"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[account]]\nuser = "A"\n', "[[account]] 1: "),
        ('[[account]]\nuser = "A"\napi_key = ""\n', "[[account]] 1: an account has a user and an api_key"),
        ('[[account]]\nuser = "A"\nkey = "k"\n', "no setting 'key', did you mean 'api_key'"),
        ('[[account]]\nuser = "A"\napi_key = "kitesim"\n', "the api_key 'kitesim' is there twice"),
        (
            '[[account]]\nuser = "A"\napi_key = "k"\npostback_url = "http://192.0.2.1/"\n',
            "192.0.2.1 is not this machine",
        ),
    ],
)
def test_an_account_that_cannot_be_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _ = read_options(settings(tmp_path, text)).accounts

    assert words in str(refused.value)
