"""Over TLS only a Redis that shows the right certificate gets messages and previews."""

import ipaddress
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from marketplace.instance.redis_address import verified
from tests.tools import find_redis, redis_server

REFUSED = (redis.ConnectionError, OperationalError)


def _by_cache(url: str) -> bool:
    return bool(redis.Redis.from_url(url).ping())


def _by_queue(url: str) -> bool:
    with Connection(url, transport_options={"max_retries": 0}) as connection:
        return bool(connection.default_channel.client.ping())


BY = pytest.mark.parametrize("ping", [_by_cache, _by_queue])


def _certificate(folder: Path, name: str, address: str = "127.0.0.1") -> Path:
    """Write `name`.pem, a certificate that vouches for itself, and `name`.key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = timezone.now()
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = folder / f"{name}.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    if not find_redis():
        pytest.skip("Redis is not on this machine")
    certificate = _certificate(folder, "own")
    with redis_server(certificate=certificate, key=certificate.with_suffix(".key")) as url:
        yield url


@pytest.mark.services
@BY
def test_the_right_certificate_is_accepted(
    server: str, folder: Path, ping: Callable[[str], bool]
) -> None:
    assert ping(verified(server, str(folder / "own.pem")))


@pytest.mark.services
@BY
@pytest.mark.parametrize("authority", ["", "other"], ids=["the system's", "another"])
def test_any_other_is_refused(
    server: str, folder: Path, ping: Callable[[str], bool], authority: str
) -> None:
    path = str(_certificate(folder, authority)) if authority else ""
    with pytest.raises(REFUSED, match="CERTIFICATE_VERIFY_FAILED"):
        ping(verified(server, path))


@pytest.mark.services
@BY
def test_one_for_another_host_is_refused(folder: Path, ping: Callable[[str], bool]) -> None:
    elsewhere = _certificate(folder, "elsewhere", "192.0.2.1")
    with (
        redis_server(certificate=elsewhere, key=elsewhere.with_suffix(".key")) as url,
        pytest.raises(REFUSED, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        ping(verified(url, str(elsewhere)))


@pytest.mark.parametrize("url", ["redis://host:6379/0", "amqps://host//", "embedded://localhost"])
def test_other_addresses_stay_as_they_are(url: str) -> None:
    assert verified(url, "/no/such/file") == url


def test_what_the_address_says_itself_stays() -> None:
    url = "rediss://:p%40ss@host:6380/0?ssl_cert_reqs=none"
    assert verified(url, "") == url
    assert verified(verified("rediss://host/0", ""), "") == "rediss://host/0?ssl_cert_reqs=required"


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(ImproperlyConfigured, match="FREEHOLD_REDIS_CA names /no/such/file"):
        verified("rediss://host:6380/0", "/no/such/file")
