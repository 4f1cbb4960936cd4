"""Downloads pinned wheels so that an interrupted download continues.

pip itself starts an interrupted download from scratch, which hurts with 800 MB. So this asks pip for the two things that only
pip knows, the address of a wheel under the user's own configuration (index, mirrors, proxy, certificates, login) and a
session that may fetch it, and does the transfer itself: into NAME.part, continued with a range request, checked against
the pinned SHA-256, then renamed. It reaches into pip's own modules, which is safe only because pip is pinned
(pins/pip.txt).
"""

import hashlib
import os
import re
import shutil
import sys
import time
from pathlib import Path

from pip._internal.commands.download import DownloadCommand
from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.network.utils import HEADERS
from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.requests import RequestException
from pip._vendor.urllib3.exceptions import HTTPError

# One fixed kind of wheel, whatever Python runs this: the libraries inside are the same, their hashes are not.
PLATFORMS = ["manylinux1", "manylinux2014"] + [f"manylinux_2_{minor}" for minor in range(17, 29)]
TARGET = ["--python-version=311", "--implementation=cp", "--abi=cp311", "--abi=abi3", "--abi=none"]
TARGET += [f"--platform={name}_x86_64" for name in PLATFORMS]

# A download fails after this many attempts in a row without progress.
FRUITLESS_ATTEMPTS = 6
CHUNK_BYTES = 1 << 20
REPORT_SECONDS = 5.0


class Refused(Exception):
    """A download that trying again does not mend."""


class Finder(DownloadCommand):
    """pip's download command, up to the point where it would download."""

    def __init__(self, pins, action):
        super().__init__("download", "finds wheels and hands them to an action")
        self.pins, self.action, self.refused = pins, action, None

    def run(self, options, args):
        try:
            self.find(options)
        except Refused as refused:  # pip would show it as a bug of its own
            self.refused = refused
        return 0

    def find(self, options):
        """Calls the action with a session and the link of each pin."""
        session = self.get_default_session(options)
        finder = self._build_package_finder(options=options, session=session, target_python=make_target_python(options))
        for name, version, sha256 in self.pins:
            hashes = Hashes({"sha256": [sha256]})
            candidate = finder.find_best_candidate(name, SpecifierSet(f"=={version}"), hashes).best_candidate
            if candidate is None:
                remedy = f"is the network up? `pip download --no-deps {name}=={version}` shows more"
                raise Refused(f"pip finds no wheel of {name} {version} in its index; {remedy}")
            self.action(session, candidate.link, sha256)


def read_pins(path):
    """The (name, version, sha256) of each line `name==version --hash=sha256:...`."""
    pins = re.findall(r"^([\w.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})$", Path(path).read_text(), re.MULTILINE)
    if not pins:
        raise Refused(f"{path} names no wheel")
    return pins


def fetch(pins, folder):
    """Brings the pinned wheels into the folder; returns their paths in order."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []

    def one(session, link, sha256):
        path = folder / link.filename
        if not (path.exists() and digest(path) == sha256):
            download(session, link, path, sha256)
        paths.append(path)

    finder = Finder(pins, one)
    finder.main(["--no-cache-dir", "--only-binary=:all:", "--no-deps", *TARGET])
    if finder.refused:
        raise finder.refused
    if len(paths) != len(pins):
        raise Refused("the download failed; the lines above say why. Call the script again: it continues where it stopped")
    return paths


def download(session, link, path, sha256):
    """Brings one file under its final name, complete and verified."""
    part = path.with_name(path.name + ".part")
    if link.is_file:
        shutil.copyfile(link.file_path, part)
    elif size(part) == 0 or digest(part) != sha256:
        transfer(session, link.url_without_fragment, part)
    if (got := digest(part)) != sha256:
        part.unlink()
        raise Refused(f"{path.name}: got SHA-256 {got}, expected {sha256}; the file was deleted, call the script again")
    os.replace(part, path)


def transfer(session, url, part):
    """Appends to the partial file until it is whole, through as many connections as it takes."""
    fruitless = 0
    while True:
        before = size(part)
        try:
            if receive(session, url, part):
                return
            reason = "the connection ended early"
        except (RequestException, HTTPError, OSError) as error:
            reason = str(error)
        fruitless = 0 if size(part) > before else fruitless + 1
        if fruitless == FRUITLESS_ATTEMPTS:
            raise Refused(f"{part.name}: {reason}; {size(part)} bytes are kept, call the script again to go on")
        wait = min(2**fruitless, 30)
        say(f"{part.stem}: {reason}; continuing at {megabytes(size(part))} MB in {wait} s")
        time.sleep(wait)


def receive(session, url, part):
    """One connection's worth of the file. True when the file is whole."""
    start = size(part)
    headers = dict(HEADERS, Range=f"bytes={start}-") if start else HEADERS
    with session.get(url, headers=headers, stream=True) as response:
        if response.status_code == 416:
            part.unlink()  # longer than the file: not ours to continue
            return False
        if response.status_code in (401, 403, 404, 410):
            raise Refused(f"{part.stem}: the server answered {response.status_code} {response.reason}")
        response.raise_for_status()
        if response.status_code != 206:
            start = 0  # the server sends the whole file
        total = start + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        with open(part, "r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            copy(response, file, part.stem, total)
    return total is None or size(part) == total


def copy(response, file, name, total):
    """Writes the body to the file, with a line of progress now and then."""
    said = time.monotonic()
    while chunk := response.raw.read(CHUNK_BYTES):
        file.write(chunk)
        if time.monotonic() - said >= REPORT_SECONDS:
            said = time.monotonic()
            say(f"{name}: {megabytes(file.tell())} of {megabytes(total) if total else '?'} MB")


def digest(path):
    """The SHA-256 of a file in hexadecimal digits."""
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()


def size(path):
    """Bytes of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def megabytes(count):
    """Whole millions of bytes."""
    return count // 1_000_000


def say(line):
    """One line of progress."""
    print(f"  {line}", file=sys.stderr, flush=True)
