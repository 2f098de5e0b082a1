"""A connection with SASL over TLS, against a broker that has such a listener."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from mzlite.dialect.definitions import Format
from mzlite.errors import MzError
from mzlite.kafka.client import client_config, topic_partitions, validate
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.spec import IngestSpec
from pytests.conftest import JARS
from pytests.end_to_end.kafka_tools import create_topic, wait_for
from stack.broker import LOOPBACK, Broker, find_java, free_port

pytestmark = pytest.mark.slow
PASSWORD = "changeit"
JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="admin" password="x" user_admin="x" user_reader="hush";'
)


def keytool(*arguments: str) -> str:
    tool = Path(find_java()).resolve().with_name("keytool")
    command = [str(tool), *arguments, "-storepass", PASSWORD, "-alias", "broker"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, str, str]]:
    """A broker, the address of its secured listener, and its certificate."""
    directory = tmp_path_factory.mktemp("secured")
    store = directory / "keys.p12"
    keytool(
        "-genkeypair", "-keystore", str(store), "-keyalg", "RSA", "-keysize", "2048", "-validity", "2",
        "-dname", "CN=localhost", "-ext", f"san=dns:localhost,ip:{LOOPBACK}",
    )  # fmt: skip
    certificate = keytool("-exportcert", "-rfc", "-keystore", str(store))
    plain, safe, controller = free_port(), free_port(), free_port()
    listeners = f"PLAINTEXT://{LOOPBACK}:{plain},SAFE://{LOOPBACK}:{safe}"
    broker = Broker(
        directory / "kafka",
        JARS,
        port=plain,
        heap_mb=256,
        settings={
            "listeners": f"{listeners},CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": listeners,
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SAFE:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.safe.plain.sasl.jaas.config": JAAS,
            "ssl.keystore.location": str(store),
            "ssl.keystore.password": PASSWORD,
            "ssl.keystore.type": "PKCS12",
        },
    )
    broker.start()
    yield broker, f"{LOOPBACK}:{safe}", certificate
    broker.kill()


def config(address: str, certificate: str, password: str) -> dict[str, str]:
    options = {
        "BROKER": address,
        "SASL MECHANISMS": "PLAIN",
        "SASL USERNAME": "reader",
        "SASL PASSWORD": "SECRET materialize.public.password",
        "SSL CERTIFICATE AUTHORITY": certificate,
    }
    return client_config(options, lambda _name: password)


def test_a_source_reads_through_sasl_and_tls(secured: tuple[Broker, str, str]) -> None:
    broker, address, certificate = secured
    client = config(address, certificate, "hush")
    validate(client)
    topic = create_topic(broker.bootstrap_servers)
    assert topic_partitions(client, topic) == [0]
    producer = Producer(client)
    producer.produce(topic, b"v")
    assert producer.flush(30) == 0
    ingest = Ingest(IngestSpec("u1", client, topic, Format(None, "bytes"), columns=("data",)), {}, lambda: None)
    ingest.start()
    batch = wait_for(lambda: ingest.take(10, 1000))
    ingest.stop()
    assert batch.rows == 1


def test_a_wrong_password_is_refused(secured: tuple[Broker, str, str]) -> None:
    _, address, certificate = secured
    with pytest.raises(MzError, match=r"(?i)authentication") as caught:
        validate(config(address, certificate, "wrong"))
    assert caught.value.sqlstate == "58000"
    assert "wrong" not in str(caught.value)


def test_an_unknown_certificate_is_refused(secured: tuple[Broker, str, str]) -> None:
    _, address, certificate = secured
    client = config(address, certificate, "hush")
    del client["ssl.ca.pem"]
    with pytest.raises(MzError, match=r"(?i)ssl|certificate|transport"):
        validate(client)
