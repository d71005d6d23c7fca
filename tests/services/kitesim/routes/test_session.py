"""Logins that are renewed."""

from __future__ import annotations

import hashlib

import pytest
import requests
from kiteconnect import exceptions as kite
from waiting import S_MAX

from services.kitesim_rig import API_KEY, API_SECRET, Kitesim, kitesim


def test_a_renewable_login_is_renewed_until_its_refresh_token_ends() -> None:
    with kitesim("--market", "frozen", "--renewable") as running:
        client = running.client(token=None)
        first = client.generate_session(running.request_token(), api_secret=API_SECRET)
        assert first["refresh_token"]

        second = client.renew_access_token(first["refresh_token"], api_secret=API_SECRET)

        assert len({first["access_token"], second["access_token"]}) == 2
        assert client.profile()["user_id"] == "KS0001"
        with pytest.raises(kite.TokenException):
            running.client(first["access_token"]).profile()
        with pytest.raises(kite.TokenException):  # each is used once
            client.renew_access_token(first["refresh_token"], api_secret=API_SECRET)
        assert client.invalidate_refresh_token(second["refresh_token"]) is True
        with pytest.raises(kite.TokenException):
            client.renew_access_token(second["refresh_token"], api_secret=API_SECRET)


def test_an_ordinary_login_has_nothing_to_renew(legacy: Kitesim) -> None:
    session = legacy.client(token=None).generate_session(legacy.request_token(), api_secret=API_SECRET)

    assert session["refresh_token"] == ""
    checksum = hashlib.sha256(f"{API_KEY}{API_SECRET}".encode()).hexdigest()
    form = {"api_key": API_KEY, "refresh_token": "", "checksum": checksum}
    assert requests.post(f"{legacy.root}/session/refresh_token", data=form, timeout=S_MAX).status_code == 400
