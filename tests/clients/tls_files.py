"""Certificates that live for a test, made by the openssl command."""

import pathlib
import shutil
import subprocess
import tempfile


class Authority:
    """Signs certificates; everything lies in a folder of its own, gone at the end of its `with` block."""

    def __init__(self, name="test authority"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="myelin-tls-"))
        self.certificate = self.folder / "ca.pem"
        self._openssl(f"/CN={name}", self.folder / "ca.key", self.certificate,
                      "-addext", "basicConstraints=critical,CA:TRUE")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _openssl(subject, key, certificate, *more):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                   "-subj", subject, "-keyout", key, "-out", certificate, *more]
        # Debian's settings would add an extension that makes an authority of each certificate.
        subprocess.run([*map(str, command), "-config", "/dev/stdin"], input=b"[req]\ndistinguished_name=name\n[name]\n",
                       check=True, capture_output=True)

    def issue(self, name):
        """The files of a certificate for this machine and of its key."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        self._openssl(f"/CN={name}", key, certificate, "-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key"),
                      "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=CA:FALSE")
        return certificate, key

    def issue_for_client(self, name):
        """One file with both."""
        certificate, key = self.issue(name)
        both = self.folder / f"{name}.pem"
        both.write_text(key.read_text() + certificate.read_text())
        return both
