"""Which addresses are this machine's own."""

from __future__ import annotations

import pytest

from stigmer_tui.core.addresses import names_this_machine, parse_ip, require_loopback, resolves_to_loopback
from stigmer_tui.core.errors import StigmerError

OURS = ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::1", "0.0.0.0", "::"]
OTHERS = ["example.org", "localhost.example.org", "mylocalhost", "10.0.0.1", "fe80::1", "::ffff:10.0.0.1", ""]


@pytest.mark.parametrize("host", [*OURS, "::ffff:127.0.0.1"])
def test_names_of_this_machine(host: str) -> None:
    assert names_this_machine(host)


@pytest.mark.parametrize("host", OTHERS)
def test_names_of_other_machines(host: str) -> None:
    assert not names_this_machine(host)


@pytest.mark.parametrize("address", ["127.0.0.1:50051", "[::1]:0", "[::ffff:127.0.0.1]:1", "127.1.2.3:9"])
def test_only_this_machine_reaches_a_loopback_address(address: str) -> None:
    assert resolves_to_loopback(address)
    require_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "a..b:1", "-:1"])
def test_without_a_token_no_other_address_is_taken(address: str) -> None:
    assert not resolves_to_loopback(address)
    with pytest.raises(StigmerError) as raised:
        require_loopback(address)
    assert raised.value.message.endswith(f"on this machine only, not at {address}")
    assert raised.value.advice.startswith("Leave out --no-auth, or choose an address such as 127.0.0.1:50051. ")
    assert raised.value.advice.endswith("until it is stopped: stigmer-tui server stop")


def test_a_zone_is_no_part_of_an_ip_address() -> None:
    assert str(parse_ip("fe80::1%eth0")) == "fe80::1"
    assert parse_ip("example.org") is None
