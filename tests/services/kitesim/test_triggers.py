"""A trigger read from its form."""

from __future__ import annotations

import pytest
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.triggers import read_trigger


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"condition": "{}", "orders": "[]"},
        {"condition": "[]", "orders": "[]"},
        {"condition": '{"trigger_values": [null]}', "orders": "[]"},
        {"condition": '{"trigger_values": [1, 2, 3]}', "orders": "[{}]"},
        {"condition": '{"trigger_values": [1]}', "orders": "[1]"},
        {"condition": '{"trigger_values": [1]}', "orders": "[{}, {}, {}]"},
        {"condition": '{"trigger_values": [1' + "0" * 5000 + "]}", "orders": "[{}]"},
        {"condition": "[" * 9000, "orders": "[{}]"},
        {"condition": '{"trigger_values": [1], "trailing_points": [1, 2, 3]}', "orders": "[{}]"},
        {"condition": '{"trigger_values": [1], "trailing_points": {"a": 1}}', "orders": "[{}]"},
    ],
)
def test_a_form_that_is_no_trigger_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(Fault):
        read_trigger({"type": "single"} | fields)
