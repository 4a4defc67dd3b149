"""X.509 itself. The only module that imports cryptography, which costs time and memory: import it when signing.

Profiles after RFC 5280: everything a strict verifier asks for (key identifiers, critical constraints) is there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seawall.tls import names

AUTHORITY_LIFE = timedelta(days=3650)
CERTIFICATE_LIFE = timedelta(days=396)  # browsers refuse more than 398 (CA/Browser Forum baseline requirements 6.3.2)
CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class Issuer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def create_authority(name: str, domains: Iterable[str]) -> tuple[bytes, bytes]:
    """A new authority as PEM: (certificate, key). It may sign servers' certificates for local names and `domains`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = _builder(subject, subject, key.public_key(), AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(_permitted(domains), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM), _pem(key)


def load_issuer(certificate: bytes, key: bytes) -> Issuer:
    """Raises ValueError saying what is wrong with them."""
    found, private = x509.load_pem_x509_certificate(certificate), serialization.load_pem_private_key(key, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != found.public_key():
        raise ValueError("its key does not belong to its certificate")
    if found.not_valid_after_utc <= datetime.now(UTC):
        raise ValueError(f"it ended on {found.not_valid_after_utc:%Y-%m-%d}")
    return Issuer(found, private)


def sign(issuer: Issuer, domains: Iterable[str]) -> tuple[bytes, datetime, datetime]:
    """A new certificate: PEM of the certificate and its key, from when and until when it is valid.

    The authority itself is left out: whoever trusts it has it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    # A host name in the subject would be held against the name constraints too.
    builder = _builder(_subject("Seawall site"), issuer.certificate.subject, key.public_key(), CERTIFICATE_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(_alternative_names(domains), critical=False)
    authority_key = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_key), critical=False
    )
    certificate = builder.sign(issuer.key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM) + _pem(key)
    return pem, certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _subject(name: str) -> x509.Name:
    """X.520 ends a common name at 64 characters."""
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Seawall"), x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _permitted(domains: Iterable[str]) -> x509.NameConstraints:
    """RFC 5280 4.2.1.10: a name permits itself and everything below it."""
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names.LOCAL_DOMAINS]
    permitted += [x509.IPAddress(network) for network in names.LOCAL_NETWORKS]
    for domain in domains:
        address = names.network(domain)
        permitted.append(x509.DNSName(domain) if address is None else x509.IPAddress(address))
    return x509.NameConstraints(permitted, None)


def _alternative_names(domains: Iterable[str]) -> x509.SubjectAlternativeName:
    found = [(name, names.network(name)) for name in names.all_names(domains)]
    return x509.SubjectAlternativeName(
        [x509.DNSName(name) if address is None else x509.IPAddress(address[0]) for name, address in found]
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def describe(pem: bytes) -> tuple[list[str], datetime]:
    """The names the first certificate in `pem` is for, and when it ends."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [], certificate.not_valid_after_utc
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return [*found.get_values_for_type(x509.DNSName), *addresses], certificate.not_valid_after_utc
