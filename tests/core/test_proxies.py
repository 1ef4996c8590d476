"""Point 34: one rule for proxies, whatever people have set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.core.addresses import names_this_machine
from stigmer_tui.core.proxies import BadProxyError, proxy_for

PLACE = "http://example.com/a"
PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        (PLACE, {}, None),
        (PLACE, {"http_proxy": PROXY}, (PROXY, "http_proxy")),
        (PLACE, {"HTTP_PROXY": PROXY}, (PROXY, "HTTP_PROXY")),
        (PLACE, {"HTTP_PROXY": "http://other", "http_proxy": PROXY}, (PROXY, "http_proxy")),
        (PLACE, {"HTTP_PROXY": PROXY, "http_proxy": ""}, None),
        (PLACE, {"https_proxy": PROXY}, None),
        (PLACE, {"ALL_PROXY": PROXY}, (PROXY, "ALL_PROXY")),
        (PLACE, {"ALL_PROXY": "http://other", "http_proxy": PROXY}, (PROXY, "http_proxy")),
        ("https://example.com", {"HTTPS_PROXY": PROXY, "http_proxy": "http://other"}, (PROXY, "HTTPS_PROXY")),
        (PLACE, {"http_proxy": "proxy:3128"}, (PROXY, "http_proxy")),
        (PLACE, {"http_proxy": " http://proxy:3128/ "}, (PROXY, "http_proxy")),
        (PLACE, {"http_proxy": "https://bob:p%40ss@proxy"}, ("https://bob:p%40ss@proxy", "http_proxy")),
        (PLACE, {"all_proxy": "socks5://127.0.0.1:1080"}, ("socks5://127.0.0.1:1080", "all_proxy")),
        (PLACE, {"all_proxy": "socks://127.0.0.1:1080/"}, ("socks5://127.0.0.1:1080", "all_proxy")),
        (PLACE, {"all_proxy": "socks5h://[::1]:1080"}, ("socks5h://[::1]:1080", "all_proxy")),
    ],
)
def test_which_variable_names_the_proxy(
    url: str, environment: dict[str, str], expected: tuple[str, str] | None
) -> None:
    proxy = proxy_for(url, environment)
    assert (proxy and (proxy.url, proxy.variable)) == expected


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_excepted"),
    [
        ("example.com", "example.com", True),
        ("Example.COM", "example.com", True),
        ("www.example.com", "example.com", True),
        ("www.example.com", ".example.com", True),
        ("www.example.com", "*.example.com", True),
        ("notexample.com", "example.com", False),
        ("example.com", "other.com, example.com", True),
        ("example.com", "other.com example.com", True),
        ("example.com", "*", True),
        ("example.com", "", False),
        ("example.com:8080", "example.com:8080", True),
        ("example.com:8080", "example.com:80", False),
        ("example.com", "example.com:80", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", False),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]", True),
        ("10.1.2.3", "fd00::/8", False),
        ("example.com", "http://", False),
    ],
)
def test_which_hosts_are_excepted(host: str, no_proxy: str, is_excepted: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        assert (proxy_for(f"http://{host}/", {"http_proxy": PROXY, name: no_proxy}) is None) is is_excepted


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "model.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"],
)
def test_this_machine_is_never_asked_through_a_proxy(host: str) -> None:
    assert names_this_machine(host)
    everything = {f"{scheme}_proxy": "http://proxy" for scheme in ("http", "https", "all")}
    for scheme in ("http", "https"):
        assert proxy_for(f"{scheme}://{host}:11434/v1", everything) is None


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("socks4://bob:pw@proxy:1080", "http_proxy names a proxy of a kind that is not supported: socks4"),
        ("http://", "http_proxy does not hold the address of a proxy"),
        ("http://proxy:port", "http_proxy does not hold the address of a proxy"),
        ("http://proxy:99999", "http_proxy does not hold the address of a proxy"),
        ("http://[::1", "http_proxy does not hold the address of a proxy"),
        ("my proxy", "http_proxy does not hold the address of a proxy"),
        (":", "http_proxy does not hold the address of a proxy"),
        ("::1", "http_proxy does not hold the address of a proxy"),
    ],
)
def test_a_value_that_is_no_proxy_fails_the_call_that_needs_it(value: str, complaint: str) -> None:
    with pytest.raises(BadProxyError) as refusal:
        proxy_for(PLACE, {"http_proxy": value})
    assert refusal.value.message == complaint
    assert "pw" not in str(refusal.value)
    assert proxy_for("http://localhost", {"http_proxy": value}) is None


@given(st.text(), st.text(), st.text(max_size=20))
def test_any_text_is_a_proxy_or_is_refused(value: str, no_proxy: str, url: str) -> None:
    for address in (PLACE, url, f"http://{url}"):
        try:
            proxy = proxy_for(address, {"http_proxy": value, "no_proxy": no_proxy})
        except BadProxyError:
            continue
        assert proxy is None or proxy.url.partition("://")[0] in ("http", "https", "socks5", "socks5h")
