"""Runs docker/onstart.sh with a stand-in for the program, whose exit codes are written beforehand; waits take no time."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stand_ins import Tree

SCRIPT = Path(__file__).resolve().parent.parent / "docker/onstart.sh"

# Each call takes the first line of `plan`: an exit code, or what to do before it. Without a line left, it is done.
PROGRAM = """#!/usr/bin/env bash
cd "${0%/*}/.."
{ printf 'called in %s, output %s:' "$OLDPWD" "$FRAGUA__OUTPUT__ROOT"; printf ' <%s>' "$@"; printf '\\n'; } >>calls
read -r code what where <plan
sed -i 1d plan
case $what in
  wait) trap 'echo saved >>calls; exit 143' TERM; trap 'echo saved >>calls; exit 130' INT
        echo $$ >waiting; while :; do sleep 0.01; done ;;
  checkpoint) mkdir -p "${where:-$FRAGUA__OUTPUT__ROOT}/storms/checkpoints/e$RANDOM-s$RANDOM" ;;
  environment) env ;;
  lines) for ((i = 0; i < 200; i++)); do echo "line $i"; done ;;
  KILL | SEGV) kill -s "$what" $$ ;;
esac
exit "${code:-0}"
"""

# Stands for curl and the client of Vast.ai.
CLIENT = """#!/usr/bin/env bash
cd "${0%/*}/.."
{ printf '%s' "${0##*/}"; printf ' <%s>' "$@"; printf '\\n'; [[ ${0##*/} != curl ]] || cat; printf 'key %s\\n' "$VAST_API_KEY"; } >>requests
exit "$(cat refusal 2>/dev/null || echo 0)"
"""

SECRETS = {"CONTAINER_API_KEY": "key-of-the-instance", "AWS_SECRET_ACCESS_KEY": "key-of-the-mirror"}


class OnStart(Tree):
    CHECKOUT = "."

    def setUp(self):
        super().setUp()
        for name in ("app", "workspace", "init/fd"):
            (self.root / name).mkdir(parents=True)
        self.log = self.root / "workspace/fragua-onstart.log"
        self.put("init/environ", "")
        self.put("init/fd/1", "")
        self.put("bin/fragua", PROGRAM)
        self.addCleanup(self.script, "--stop")

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRAGUA", "AWS", "CONTAINER"))}
        own = {
            "PATH": f"{self.root}/bin:/usr/bin:/bin", "FRAGUA_HOME": "app", "FRAGUA_WORKSPACE": "workspace",
            "FRAGUA_ONSTART_STATE": "state", "FRAGUA_ONSTART_INIT": "init",
        }
        paths = {name: value if name == "PATH" else str(self.root / value) for name, value in own.items()}
        return kept | paths | {"FRAGUA_ONSTART_SECOND": "0"} | more

    def script(self, *arguments, **more):
        # Not through pipes: a background process must not block this.
        with tempfile.TemporaryFile("w+") as output:
            code = subprocess.run(
                [SCRIPT, *arguments], env=self.environment(**more), cwd=self.root, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, timeout=60
            ).returncode
            output.seek(0)
            return code, output.read()

    def train(self, *plan, arguments=(), **more):
        """Calls it in the foreground with the exit codes of the program."""
        self.put("plan", "".join(f"{line}\n" for line in plan))
        return self.script("--foreground", *arguments, **more)

    def calls(self):
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def until(self, is_so):
        super().until(is_so, lambda: self.log.read_text() if self.log.exists() else "there is no log")

    def in_background(self, *plan, **more):
        self.put("plan", "".join(f"{line}\n" for line in plan))
        self.assertEqual(self.script(**more)[0], 0)

    def waiting(self):
        """Until the program trains; its process."""
        path = self.root / "waiting"
        self.until(lambda: path.exists() and path.read_text().endswith("\n"))
        return int(path.read_text())

    def test_started_twice_one_remains(self):
        self.in_background("0 wait", "0")
        self.waiting()
        code, output = self.script()
        self.assertEqual(code, 0)
        self.assertIn("already at work", output)
        self.assertEqual(self.script("--foreground")[0], 75)
        self.assertEqual(len(self.calls()), 1)

    def test_of_many_that_start_at_once_one_remains(self):
        self.put("plan", "0 wait\n")
        started = [
            subprocess.Popen([SCRIPT], env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(8)
        ]
        self.assertEqual([process.wait(60) for process in started], [0] * 8)
        self.waiting()
        self.assertEqual(len(self.calls()), 1)

    def test_it_is_stopped_with_a_checkpoint_and_starts_again_later(self):
        self.in_background("0 wait")
        self.waiting()
        code, output = self.script("--stop")
        self.assertEqual((code, self.calls()[-1]), (0, "saved"))
        self.assertIn("it has ended", output)
        self.assertIn("nothing is running", self.script("--stop")[1])
        self.train("0")
        self.assertEqual(len(self.calls()), 3)

    def test_both_signals_reach_the_program_and_it_is_waited_for(self):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            self.put("plan", "0 wait\n")
            process = subprocess.Popen([SCRIPT, "--foreground"], env=self.environment(), stdout=subprocess.DEVNULL)
            self.waiting()
            process.send_signal(number)
            self.assertEqual(process.wait(60), code)
            self.assertEqual(self.calls()[-1], "saved")
            (self.root / "waiting").unlink()

    def test_a_signal_ends_the_wait_between_two_starts(self):
        self.in_background("75", FRAGUA_ONSTART_SECOND="1000")
        self.until(lambda: self.log.exists() and "again in 30 s" in self.log.read_text())
        self.assertEqual(self.script("--stop")[0], 0)
        self.assertEqual(len(self.calls()), 1)

    def test_try_again_later_is_followed_for_a_day_and_not_for_ever(self):
        code, output = self.train(*["75"] * 200)
        self.assertEqual((code, len(self.calls())), (75, 111))
        self.assertIn("after 110 restarts without a new checkpoint in between; giving up", output)
        waits = [int(line.rsplit(" ", 2)[1]) for line in output.splitlines() if line.endswith(" s")]
        self.assertTrue(26 * 3600 < sum(waits) < 28 * 3600, sum(waits))

    def test_a_new_checkpoint_refills_the_number_of_tries(self):
        code, _ = self.train(*["75"] * 100, "75 checkpoint", *["75"] * 100, "0")
        self.assertEqual((code, len(self.calls())), (0, 202))

    def test_a_gpu_that_fails_at_every_start_is_given_up(self):
        code, output = self.train(*["74"] * 20)
        self.assertEqual((code, len(self.calls())), (74, 6))
        self.assertIn("giving up", output)

    def test_try_again_later_is_followed_with_growing_waits(self):
        code, output = self.train(*["75"] * 8, "0")
        self.assertEqual((code, len(self.calls())), (0, 9))
        self.assertIn("again in 30 s", output)
        self.assertEqual(output.count("again in 900 s"), 3)

    def test_what_may_pass_is_tried_again(self):
        code, output = self.train("70", "74", "0 KILL", "0 SEGV", "134", "0")
        self.assertEqual((code, len(self.calls())), (0, 6))
        self.assertIn("137; again from the last checkpoint in 40 s, 2 more", output)

    def test_a_crash_loop_ends(self):
        code, output = self.train(*["139"] * 20)
        self.assertEqual((code, len(self.calls())), (139, 6))
        self.assertIn("giving up", output)

    def test_a_new_checkpoint_refills_the_number_of_starts(self):
        plan = ["137 checkpoint", "137"] * 8
        code, _ = self.train(*plan, "0")
        self.assertEqual((code, len(self.calls())), (0, 17))

    def test_checkpoints_are_looked_for_where_the_arguments_put_them(self):
        for arguments, folder in (
            (("--output", "runs"), "app/runs"),
            (("--output=-runs", "--set", "output.root=elsewhere"), "app/-runs"),
            (("--set", "output.root=unused", "--set=output.root='two words'"), "app/two words"),
            (("--set", "output.root=/unused", "--output", str(self.root / "own")), "own"),
        ):
            with self.subTest(arguments=arguments):
                (self.root / "calls").unlink(missing_ok=True)
                plan = [f"137 checkpoint {folder}", "137"] * 4
                code, _ = self.train(*plan, "0", arguments=arguments)
                self.assertEqual((code, len(self.calls())), (0, 9))

    def test_what_does_not_pass_ends_it(self):
        for code in (1, 2, 65, 69, 71, 73, 76, 78, 126, 129, 130, 143):
            with self.subTest(code=code):
                (self.root / "calls").unlink(missing_ok=True)
                self.assertEqual(self.train(code)[0], code)
                self.assertEqual(len(self.calls()), 1)

    def test_a_finished_run_stays_finished(self):
        self.assertEqual(self.train("0")[0], 0)
        self.assertEqual(self.train("0")[0], 0)
        self.assertEqual(len(self.calls()), 2)

    def test_what_a_killed_one_left_behind_does_not_matter(self):
        self.put("state/lock", "")
        self.put("state/pid", f"{os.getpid()}\n")
        self.put("state/finished", "something else\n")
        self.assertEqual(self.train("0")[0], 0)
        self.assertIn("nothing is running", self.script("--stop")[1])

    def test_where_it_was_killed_itself_the_next_one_takes_over(self):
        self.in_background("0 wait")
        orphan = self.waiting()
        self.addCleanup(os.kill, orphan, signal.SIGTERM)
        os.kill(int((self.root / "state/pid").read_text()), signal.SIGKILL)
        # The program still trains, and refuses the second one until it has ended.
        code, _ = self.train("75", "75", "0")
        self.assertEqual((code, len(self.calls())), (0, 4))

    def test_arguments_are_its_own_or_those_of_the_environment(self):
        self.train("0", arguments=("train", "--epochs", "3"), FRAGUA_ARGS="--unused")
        self.train("0", FRAGUA_ARGS="--set 'name=two words' --yes $(touch harm)")
        first, second = self.calls()
        output = self.root / "workspace/model_output"
        self.assertEqual(first, f"called in {self.root}/app, output {output}: <train> <--epochs> <3>")
        self.assertIn("<train> <--set> <name=two words> <--yes> <$(touch>", second)
        self.assertFalse(list(self.root.rglob("harm")))

    def test_arguments_that_cannot_be_split_start_nothing(self):
        for mode in ((), ("--foreground",)):
            with self.subTest(mode=mode):
                (self.root / "init/fd/1").write_text("")
                self.log.unlink(missing_ok=True)
                code, output = self.script(*mode, FRAGUA_ARGS="--set 'name=it")
                self.assertEqual((code, self.calls()), (2, []))
                self.assertIn("FRAGUA_ARGS can't be split into words: unmatched single quote. Nothing is started\n", output)
                self.assertEqual(self.log.read_text(), output)
                self.assertEqual((self.root / "init/fd/1").read_text(), "" if mode else output)
        self.assertFalse((self.root / "state").exists())

    def test_arguments_that_cannot_be_split_do_not_keep_it_from_ending(self):
        self.in_background("0 wait")
        self.waiting()
        code, output = self.script("--stop", FRAGUA_ARGS="--set 'name=it")
        self.assertEqual((code, self.calls()[-1]), (0, "saved"), output)

    def test_blank_arguments_are_none(self):
        self.train("0", FRAGUA_ARGS="  ")
        self.assertTrue(self.calls()[0].endswith(": <train>"), self.calls())

    def test_the_environment_of_the_first_process_counts_if_there_is_no_other(self):
        self.put("init/environ", "FRAGUA__NAME=theirs\0FRAGUA__SEED=7\0AWS_REGION=auto\0HOME=/elsewhere\0odd name=1\0")
        _, output = self.train("0 environment", FRAGUA__NAME="mine")
        lines = output.splitlines()
        for line in ("FRAGUA__NAME=mine", "FRAGUA__SEED=7", "AWS_REGION=auto", f"FRAGUA__DATA__ROOT={self.root}/workspace/datasets"):
            self.assertIn(line, lines)
        self.assertNotIn("HOME=/elsewhere", lines)

    def test_a_chosen_folder_stays(self):
        self.train("0", FRAGUA__OUTPUT__ROOT="/elsewhere")
        self.assertIn("output /elsewhere:", self.calls()[0])

    def test_secrets_are_in_no_log_and_the_key_of_the_instance_not_with_the_program(self):
        self.put("init/environ", "".join(f"{name}={value}\0" for name, value in SECRETS.items()))
        self.in_background("0 environment", "0")
        self.until(lambda: self.log.exists() and "is done" in self.log.read_text())
        shown = (self.root / "init/fd/1").read_text()
        self.assertEqual(shown, self.log.read_text())
        self.assertIn("AWS_SECRET_ACCESS_KEY=[hidden]", shown)
        self.assertNotIn("CONTAINER_API_KEY", shown)
        for secret in SECRETS.values():
            self.assertNotIn(secret, shown)

    def test_the_log_has_a_limit(self):
        self.train("0 lines", FRAGUA_ONSTART_LOG_BYTES="600")
        older = self.log.with_name("fragua-onstart.log.1")
        self.assertLessEqual(self.log.stat().st_size, 600)
        self.assertLessEqual(older.stat().st_size, 600)
        self.assertIn("line 199\n", older.read_text() + self.log.read_text())

    def finish(self, code, action, **more):
        (self.root / "requests").unlink(missing_ok=True)
        output = self.train(code, CONTAINER_ID="4242", CONTAINER_API_KEY="key-of-the-instance", FRAGUA_ON_FINISH=action, **more)[1]
        self.assertNotIn("key-of-the-instance", output)
        path = self.root / "requests"
        return path.read_text() if path.exists() else None

    def test_the_instance_is_ended_only_when_asked_and_only_after_success(self):
        self.put("bin/curl", CLIENT)
        self.assertIsNone(self.finish("0", ""))
        self.assertIsNone(self.finish("0", "sotp"))
        self.assertIsNone(self.finish("76", "stop"))
        request = self.finish("0", "stop")
        for line in ('request = "PUT"', 'data = "{\\"state\\": \\"stopped\\"}"', 'header = "Authorization: Bearer key-of-the-instance"'):
            self.assertIn(f"{line}\n", request)
        self.assertNotIn("key-of-the-instance", request.splitlines()[0], "arguments are seen by all")

    def test_an_instance_that_is_started_again_after_its_result_stays_on(self):
        self.put("bin/curl", CLIENT)
        self.assertIsNotNone(self.finish("0", "stop"))
        self.assertIsNone(self.finish("0", "stop"))
        self.assertIsNotNone(self.finish("0 checkpoint", "stop"))

    def test_a_refusal_is_reported_and_tried_again_next_time(self):
        self.put("bin/curl", CLIENT)
        self.put("refusal", "22")
        self.assertIsNotNone(self.finish("0", "stop"))
        self.assertIn("stop it by hand", self.log.read_text())
        self.assertIsNotNone(self.finish("0", "stop"))

    def destroys(self, *arguments, **more):
        """Whether the instance is destroyed, not only stopped."""
        (self.root / "state/finished").unlink(missing_ok=True)
        request = self.finish("0", "destroy", arguments=arguments, **more)
        end = "<destroy> <instance> <4242> <--yes>" if "destroy" in request else "<stop> <instance> <4242>"
        self.assertEqual(request, f"vastai {end}\nkey key-of-the-instance\n")
        return "destroy" in request

    def test_nothing_is_destroyed_without_a_mirror_off_the_machine(self):
        self.put("bin/vastai", CLIENT)
        self.assertFalse(self.destroys())
        self.assertIn("and is not set: stopping instead", self.log.read_text())
        for mirror in ("null", "~", "", "file:///workspace/copies", "/workspace/copies", "copies", "s3://", "http://a/b", "'null'"):
            with self.subTest(mirror=mirror):
                self.assertFalse(self.destroys(FRAGUA__OUTPUT__MIRROR=mirror))
                self.assertFalse(self.destroys("--set", f"output.mirror={mirror}"))
        self.assertIn("and is file:///workspace/copies: stopping instead", self.log.read_text())
        for mirror in ("s3://bucket/runs", "gs://bucket", "az://container/runs", "'s3://bucket/runs'", ' "gs://bucket" '):
            with self.subTest(mirror=mirror):
                self.assertTrue(self.destroys(FRAGUA__OUTPUT__MIRROR=mirror))
                self.assertTrue(self.destroys("--set", f"output.mirror={mirror}"))
                self.assertTrue(self.destroys(f"--set=output.mirror={mirror}"))

    def test_the_mirror_is_that_of_the_last_argument_and_else_of_the_environment(self):
        self.put("bin/vastai", CLIENT)
        given = {"FRAGUA__OUTPUT__MIRROR": "s3://bucket/runs"}
        self.assertTrue(self.destroys("--epochs", "3", **given))
        self.assertFalse(self.destroys("--set", "output.mirror=null", **given))
        self.assertFalse(self.destroys("--set=output.mirror=gs://a", "--set", "output.mirror=/copies", **given))
        self.assertFalse(self.destroys("--set", "output={root: runs}", **given))
        self.assertTrue(self.destroys("--set", "output.mirror=/copies", "--set=output.mirror=gs://a"))
        self.assertFalse(self.destroys("--notes", "output.mirror=s3://bucket/runs"))
        self.assertFalse(self.destroys(FRAGUA_ARGS="--set 'output.mirror=null'", **given))


if __name__ == "__main__":
    unittest.main()
