"""Calls vast.sh: the size of the disk, the commands that it prints, and what it hands to the client. Where the real client of
Vast.ai is installed (`vastai` in PATH, or the file that FRAGUA_TEST_VASTAI names), its own parser gets every printed command."""

import http.server
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPT = Path(__file__).with_name("vast.sh")
CLIENT = os.environ.get("FRAGUA_TEST_VASTAI") or shutil.which("vastai")

SECRET = "not-to-be-seen"
IMAGE = ("--image", "someone/fragua:1", "--disk", "40")
COMMANDS = {
    "search": ("search", "--data-gb", "12", "--gpu-ram", "24", "--price", "0.5", "--gpu", "RTX_4090", "--interruptible"),
    "newer": ("search", "--data-gb", "12", "--cuda", "13"),
    "args": ("create", "77", *IMAGE, "--bid", "0.2", "--env", "MY_SECRET", "--mirror", "s3://b/runs", "--", "--epochs", "3"),
    "supervised": ("create", "77", *IMAGE, "--supervise", "--", "--epochs", "3"),
    "ssh": ("create", "77", *IMAGE, "--ssh", "--on-finish", "stop", "--", "--set", "name='two words'"),
    "show": ("show", "5"),
    "logs": ("logs", "5"),
    "destroy": ("destroy", "5"),
}


class Vast(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        client = self.root / "vastai"
        client.write_text("#!/bin/sh\nprintf '<%s>' \"$@\" >&2\n")
        client.chmod(0o755)

    def call(self, *arguments):
        environment = os.environ | {"PATH": f"{self.root}:{os.environ['PATH']}", "MY_SECRET": SECRET}
        return subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True)

    def printed(self, *arguments):
        result = self.call(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.rstrip("\n")

    def refused(self, *arguments):
        result = self.call(*arguments)
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        return result.stderr

    def test_the_disk_is_a_sum_with_a_margin(self):
        lines = self.printed("disk", "--data-gb", "10", "--archive-gb", "2.5", "--prepared-gb", "3", "--checkpoint-gb", "0.5", "--keep", "4")
        sizes = [float(line.split()[0]) for line in lines.splitlines()]
        self.assertEqual(sizes[:6], [4.6, 2.5, 10.0, 3.0, 2.0, 1.0])
        self.assertEqual(sizes[6:], [4.6, 28.0])

    def test_the_disk_is_never_smaller_than_what_there_is_to_rent(self):
        self.assertIn("10 GB  --disk", self.printed("disk", "--data-gb", "0.1"))

    def test_create_shows_the_sum_and_uses_it(self):
        result = self.call("create", "77", "--image", "someone/fragua:1", "--data-gb", "10")
        self.assertIn("44 GB  --disk", result.stderr)
        self.assertIn("--disk 44 ", result.stdout)

    def test_a_search_asks_for_what_the_image_needs(self):
        line = self.printed(*COMMANDS["search"])
        for part in ("cuda_vers>=12.1", "compute_cap<=900", "gpu_ram>=24", "disk_space>=51", "dph<=0.5", "gpu_name=RTX_4090", "--storage 51"):
            self.assertIn(part, line)

    def test_newer_gpus_are_searched_for_with_another_image(self):
        line = self.printed(*COMMANDS["newer"])
        for part in (" cuda_vers>=13.0 ", " compute_cap>=750 "):
            self.assertIn(part, line)
        self.assertNotIn("compute_cap<", line)
        self.assertEqual(self.printed("search", "--data-gb", "12", "--cuda", "12"), self.printed("search", "--data-gb", "12"))
        self.assertIn("12 or 13", self.refused("search", "--data-gb", "12", "--cuda", "11"))

    def test_arguments_come_last_and_secrets_only_as_names(self):
        line = self.printed(*COMMANDS["args"])
        self.assertTrue(line.endswith(' --args train --yes --epochs 3'), line)
        self.assertIn('--env "-e FRAGUA__OUTPUT__MIRROR=s3://b/runs -e MY_SECRET=$MY_SECRET"', line)

    def test_a_supervised_one_has_the_on_start_script_as_its_entry_point(self):
        line = self.printed(*COMMANDS["supervised"])
        self.assertTrue(line.endswith(" --entrypoint /usr/local/bin/fragua-onstart --args --foreground --yes --epochs 3"), line)

    def test_with_ssh_the_on_start_script_gets_the_arguments(self):
        words = shlex.split(self.printed(*COMMANDS["ssh"]))
        command = words[words.index("--onstart-cmd") + 1]
        self.assertEqual(shlex.split(command)[4:], ["fragua-onstart", "--set", "name='two words'"])
        self.assertIn("-e FRAGUA_ON_FINISH=stop", words)

    def test_runs_are_copied_from_where_the_mode_puts_them(self):
        self.assertEqual(self.printed("copy-back", "5"), "vastai copy C.5:/app/model_output/ local:model_output/")
        self.assertEqual(self.printed("copy-back", "5", "out", "--ssh"), "vastai copy C.5:/workspace/model_output/ local:out/")

    def test_run_hands_the_values_to_the_client_and_prints_the_names(self):
        result = self.call("--help")
        self.assertEqual(result.returncode, 0)
        result = self.call(*COMMANDS["args"][:2], "--run", *COMMANDS["args"][2:])
        self.assertNotIn(SECRET, result.stdout)
        self.assertIn(f"<-e FRAGUA__OUTPUT__MIRROR=s3://b/runs -e MY_SECRET={SECRET}>", result.stderr)
        self.assertTrue(result.stderr.endswith("<--args><train><--yes><--epochs><3>"))

    def test_what_makes_no_sense_is_refused(self):
        self.assertIn("--env takes the name", self.refused("create", "77", *IMAGE, "--env", "NAME=value"))
        self.assertIn("NOWHERE is not set", self.refused("create", "77", *IMAGE, "--env", "NOWHERE"))
        self.assertIn("number of an offer", self.refused("create", "--image", "x", "--disk", "40"))
        self.assertIn("how large", self.refused("search"))
        self.assertIn("needs a number", self.refused("search", "--data-gb", "a lot"))
        self.assertIn("number of an instance", self.refused("destroy"))
        self.assertIn("needs --ssh", self.refused("create", "77", *IMAGE, "--on-finish", "stop"))
        self.assertIn("not known", self.refused("creat"))

    @unittest.skipUnless(CLIENT, "the client of Vast.ai is not installed")
    def test_the_real_client_understands_every_command(self):
        requests = self.serve()
        for name, arguments in COMMANDS.items():
            with self.subTest(name=name):
                words = shlex.split(self.printed(*arguments).replace("$MY_SECRET", SECRET))[1:]
                words += ["--yes"] if name == "destroy" else []
                result = subprocess.run(
                    [CLIENT, "--url", requests.url, "--retry", "1", "--api-key", "none", *words], capture_output=True, text=True,
                    env=os.environ | {"HOME": str(self.root), "no_proxy": "127.0.0.1"}
                )
                self.assertNotEqual(result.returncode, 2, result.stderr)
                self.assertTrue(requests.seen, result.stdout + result.stderr)
                requests.last = requests.seen[-1]
                if name == "args":
                    _, path, body = requests.last
                    self.assertIn("/asks/77/", path)
                    self.assertEqual((body["image"], body["disk"], body["price"]), ("someone/fragua:1", 40, 0.2))
                    self.assertEqual((body["runtype"], body["args"]), ("args", ["train", "--yes", "--epochs", "3"]))
                    self.assertEqual(body["env"], {"FRAGUA__OUTPUT__MIRROR": "s3://b/runs", "MY_SECRET": SECRET})
                if name == "ssh":
                    self.assertIn("fragua-onstart --set name=", requests.last[2]["onstart"])

    def serve(self):
        """A server that refuses everything and keeps what it was asked."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.server.seen.append((self.command, self.path, json.loads(text) if text else None))
                self.send_response(400)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.seen, server.url = [], f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server


if __name__ == "__main__":
    unittest.main()
