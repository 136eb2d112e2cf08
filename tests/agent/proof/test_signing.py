"""Signed PDFs: what holds, what doesn't, and certificates that won't do."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pypdf import PdfReader
from tests.helpers import TESTS
from tests.helpers.ledgers import golden_record
from typer.testing import CliRunner

from seewhy.agent.proof.documents import check_document
from seewhy.agent.proof.signing import signed_pdf, unsigned_part
from seewhy.cli import app
from seewhy.errors import BadData
from seewhy.reports import document

PASSPHRASE = "open sesame"
CLOCK = """
[tsa]
default_tsa = clock
[clock]
serial = serial
signer_cert = clock.pem
signer_key = clock.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


def certificate(folder: Path, name: str, *, valid_days: int = 30, may_sign: bool = True) -> Path:
    """A self-signed certificate with its key (.p12), and alone (.pem)."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(may_sign, may_sign, False, not may_sign, False, False, False, False, False)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=valid_days))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(name.encode(), key, cert, None, BestAvailableEncryption(PASSPHRASE.encode())))
    path.with_suffix(".pem").write_bytes(cert.public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("signing")
    for name in ("Park", "Lee"):
        certificate(made, name)
    (made / "report.pdf").write_bytes(document([golden_record()], lambda _: None, "pdf", head="ab" * 32))
    signed = signed_pdf((made / "report.pdf").read_bytes(), made / "Park.p12", PASSPHRASE, reason="released")
    (made / "signed.pdf").write_bytes(signed)
    return made


def test_a_signed_pdf_holds_the_document_as_it_was(folder: Path) -> None:
    signed = folder / "signed.pdf"
    assert unsigned_part(signed.read_bytes()) == (folder / "report.pdf").read_bytes()
    found = check_document(signed, certificate=folder / "Park.pem")
    assert (found.intact, found.head) == (True, "ab" * 32)
    assert "signed by Common Name: Park" in found.notes[0]
    assert "nobody was asked to vouch" in check_document(signed).notes[0]
    assert "Inspection report" in PdfReader(signed).pages[0].extract_text()
    assert PdfReader(signed).get_fields() is not None


def test_a_changed_or_foreign_signature_is_found(folder: Path, tmp_path: Path) -> None:
    assert "does not vouch" in check_document(folder / "signed.pdf", certificate=folder / "Lee.pem").problem
    assert "it is not signed" in check_document(folder / "report.pdf", certificate=folder / "Park.pem").problem
    whole, changed, chance = (folder / "signed.pdf").read_bytes(), tmp_path / "changed.pdf", random.Random(3)
    for data in (whole + b"\n% a remark\n", whole + b"\n%%EOF\n", unsigned_part(whole) + b"\n%%EOF"):
        changed.write_bytes(data)
        assert not check_document(changed).intact
    for _ in range(15):
        at, flipped = chance.randrange(len(whole)), bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        changed.write_bytes(flipped)
        found = check_document(changed, certificate=folder / "Park.pem")
        assert not found.intact, at


@pytest.mark.parametrize(
    ("options", "passphrase", "said"),
    [
        ({}, "open barley", "a wrong passphrase"),
        ({"valid_days": -1}, PASSPHRASE, "is valid from"),
        ({"may_sign": False}, PASSPHRASE, "may not sign"),
    ],
)
def test_certificates_that_won_t_do(folder: Path, tmp_path: Path, options: dict[str, int], passphrase: str, said: str) -> None:
    cert = certificate(tmp_path, "Choi", **options)  # type: ignore[arg-type]
    with pytest.raises(BadData, match=said):
        signed_pdf((folder / "report.pdf").read_bytes(), cert, passphrase, reason="why")


def test_no_certificate_no_pdf_no_time_stamp_server(folder: Path) -> None:
    data = (folder / "report.pdf").read_bytes()
    with pytest.raises(BadData, match="there is no certificate"):
        signed_pdf(data, folder / "none.p12", PASSPHRASE, reason="why")
    with pytest.raises(BadData, match="can't be signed"):
        signed_pdf(b"no pdf", folder / "Park.p12", PASSPHRASE, reason="why")
    with pytest.raises(BadData, match="gave no time stamp"):
        signed_pdf(data, folder / "Park.p12", PASSPHRASE, reason="why", time_stamps="http://127.0.0.1:9/")


@pytest.fixture
def time_stamps(tmp_path: Path) -> Iterator[str]:
    """Address of a time stamp server of OpenSSL's making."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Clock")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder(name, name, key.public_key(), 9, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "clock.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (tmp_path / "clock.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "serial").write_text("01")
    (tmp_path / "clock.cnf").write_text(CLOCK)

    class Clock(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (tmp_path / "asked").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            words = ["openssl", "ts", "-reply", "-config", "clock.cnf", "-queryfile", "asked", "-out", "answer"]
            subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((tmp_path / "answer").read_bytes())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Clock) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.slow
def test_a_time_stamp_says_when_it_was_signed(folder: Path, tmp_path: Path, time_stamps: str) -> None:
    data = (folder / "report.pdf").read_bytes()
    stamped = tmp_path / "stamped.pdf"
    stamped.write_bytes(signed_pdf(data, folder / "Park.p12", PASSPHRASE, reason="released", time_stamps=time_stamps))
    found = check_document(stamped, certificate=folder / "Park.pem")
    assert found.intact, found.problem
    assert "by the time stamp of Common Name: Clock" in found.notes[0]
    assert unsigned_part(stamped.read_bytes()) == data
    assert "time stamp" not in check_document(folder / "signed.pdf").notes[0]


@pytest.mark.slow
def test_on_the_command_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, out = shutil.copy(TESTS / "golden" / "schema1" / "ledger.sqlite", tmp_path), tmp_path / "a.pdf"
    words = ["report", str(ledger), "--lot", "B", "-o", str(out), "--sign", str(folder / "Park.p12"), "--reason", "released"]
    monkeypatch.setenv("SEEWHY_KEY_PASSPHRASE", "wrong")
    assert isinstance(CliRunner().invoke(app, words).exception, BadData)
    assert not out.exists()
    monkeypatch.setenv("SEEWHY_KEY_PASSPHRASE", PASSPHRASE)
    assert CliRunner().invoke(app, words).exit_code == 0
    result = CliRunner().invoke(app, ["verify", str(out), "--ledger", str(ledger), "--certificate", str(folder / "Park.pem")])
    assert result.exit_code == 0, result.output
    assert "signed by" in result.output
