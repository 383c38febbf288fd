"""An authority for one test, and certificates of it; with openssl's program."""

import pathlib
import subprocess
import tempfile

import guard


def openssl(folder, *words):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise AssertionError(f"openssl {' '.join(words)}: {done.stderr}")


class Authority:
    def __init__(self, name="cluster"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oncue-ca-"))
        guard.folder(self.folder)
        openssl(self.folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "10",
                "-subj", f"/CN={name}", "-keyout", "ca.key", "-out", "ca.pem")
        # openssl ca, because it can say when a certificate begins and ends.
        (self.folder / "index.txt").write_text("")
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca = here\n[here]\ndatabase = index.txt\nnew_certs_dir = .\nserial = serial\nprivate_key = ca.key\n"
            "certificate = ca.pem\ndefault_md = sha256\npolicy = any\ncopy_extensions = copy\nunique_subject = no\nrand_serial = yes\n"
            "[any]\ncommonName = supplied\n")

    def issue(self, name, ends=None):
        """What a node's configuration says of its certificate. `ends`: YYYYMMDDHHMMSSZ."""
        openssl(self.folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(self.folder, "ca", "-batch", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext",
                *(["-startdate", "20200101000000Z", "-enddate", ends] if ends else ["-days", "5"]))
        return {"ca_file": str(self.folder / "ca.pem"), "cert_file": str(self.folder / f"{name}.pem"),
                "key_file": str(self.folder / f"{name}.key")}
