"""Downloads through pip's own configuration, from a local server that breaks off, ignores ranges and sends wrong bytes."""

import hashlib
import http.server
import os
import random
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
import wheels

NAME = "storm-1.0-cp311-cp311-manylinux1_x86_64.whl"
BODY = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


class Index(http.server.BaseHTTPRequestHandler):
    """An index with one wheel. Each download takes the next of `answers`; those past the last are answered well."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/simple/"):
            self.reply(200, f'<!DOCTYPE html><a href="/{NAME}#sha256={SHA256}">{NAME}</a>'.encode(), "text/html")
            return
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        answer = self.server.answers.pop(0) if self.server.answers else "well"
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and answer != "whole" else 0
        if start >= len(BODY):
            self.reply(416, b"")
        elif answer == "gone":
            self.reply(410, b"")
        elif answer == "lies":
            self.reply(200, bytes(len(BODY)))
        elif isinstance(answer, int):
            self.reply(206 if start else 200, BODY[start:], sent=answer)
        else:
            self.reply(206 if start else 200, BODY[start:])

    def reply(self, status, body, kind="application/octet-stream", sent=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if sent is None else body[:sent])
        self.close_connection = True


class Downloads(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
        self.server.answers, self.server.ranges = [], []
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        folder = tempfile.TemporaryDirectory()
        self.folder = Path(folder.name)
        index = f"http://127.0.0.1:{self.server.server_port}/simple/"
        settings = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "no_proxy": "127.0.0.1"}
        patches = [mock.patch.dict(os.environ, settings), mock.patch("time.sleep"), mock.patch.object(wheels, "say")]
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)
        for cleanup in (folder.cleanup, self.server.server_close, self.server.shutdown):
            self.addCleanup(cleanup)

    def fetch(self, sha256=SHA256):
        return wheels.fetch([("storm", "1.0", sha256)], self.folder)

    def assert_complete(self):
        self.assertEqual([path.name for path in self.folder.iterdir()], [NAME])
        self.assertEqual((self.folder / NAME).read_bytes(), BODY)

    def test_a_whole_download_is_placed_and_not_requested_again(self):
        self.assertEqual(self.fetch(), [self.folder / NAME])
        self.fetch()
        self.assert_complete()
        self.assertEqual(self.server.ranges, [None])

    def test_a_download_that_breaks_off_twice_continues_where_it_stopped(self):
        self.server.answers = [100_000, 50_000]
        self.fetch()
        self.assert_complete()
        self.assertEqual(self.server.ranges, [None, "bytes=100000-", "bytes=150000-"])

    def test_what_an_earlier_call_left_is_continued(self):
        (self.folder / f"{NAME}.part").write_bytes(BODY[:299_999])
        self.fetch()
        self.assert_complete()
        self.assertEqual(self.server.ranges, ["bytes=299999-"])

    def test_a_server_that_ignores_ranges_is_read_from_the_start(self):
        self.server.answers = [100_000, "whole"]
        self.fetch()
        self.assert_complete()

    def test_a_partial_file_that_is_too_long_is_given_up(self):
        (self.folder / f"{NAME}.part").write_bytes(BODY + b"more")
        self.fetch()
        self.assert_complete()

    def test_a_whole_file_under_its_partial_name_is_not_requested_again(self):
        (self.folder / f"{NAME}.part").write_bytes(BODY)
        self.fetch()
        self.assert_complete()
        self.assertEqual(self.server.ranges, [])

    def test_a_file_with_another_content_is_deleted_and_both_hashes_are_named(self):
        self.server.answers = ["lies"]
        with self.assertRaisesRegex(wheels.Refused, f"got SHA-256 [0-9a-f]{{64}}, expected {SHA256}"):
            self.fetch()
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_server_that_never_gives_a_byte_is_given_up(self):
        self.server.answers = [0] * 20
        with self.assertRaisesRegex(wheels.Refused, "call the script again to go on"):
            self.fetch()
        self.assertEqual(len(self.server.ranges), wheels.FRUITLESS_ATTEMPTS)

    def test_a_wheel_that_is_gone_is_not_requested_again(self):
        self.server.answers = ["gone"] * 5
        with self.assertRaisesRegex(wheels.Refused, "410"):
            self.fetch()
        self.assertEqual(len(self.server.ranges), 1)

    def test_a_wheel_in_a_folder_that_the_user_names_needs_no_server(self):
        with tempfile.TemporaryDirectory() as links:
            (Path(links) / NAME).write_bytes(BODY)
            with mock.patch.dict(os.environ, {"PIP_FIND_LINKS": links, "PIP_NO_INDEX": "1"}):
                self.fetch()
        self.assert_complete()
        self.assertEqual(self.server.ranges, [])


class Pins(unittest.TestCase):
    def test_every_file_of_pins_names_wheels_with_their_hashes(self):
        files = sorted((Path(__file__).parent / "pins").glob("*.txt"))
        self.assertGreaterEqual(len(files), 4)
        for path in files:
            lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
            self.assertEqual(len(wheels.read_pins(path)), len(lines), path)


if __name__ == "__main__":
    unittest.main()
