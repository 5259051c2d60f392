"""Secrets planted in every option are in no byte that a command leaves behind, and not in the list of processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import command_line

ROOT = Path(__file__).resolve().parents[2]
SECRETS = (
    "gehQQ'eim1",
    "TOKENQQ2",
    "sslQQ3",
    "pathQQ4",
    "keyQQ5-0123456789abcdef",
    "sinkQQ6",
    "envQQ7-9876",
    "sparkQQ8",
    "sparkQQ9x",
    "awsQQ10-1234567",
)
TOY = ["dataset=toy", "dataset.customers=100", "selection.k_range=[2,3]"]
PLANTED = [
    f"tracking.uri=postgresql://ana:{SECRETS[0]}@127.0.0.1:9/x?sslpassword={SECRETS[2]}",
    f"tracking.id_key={SECRETS[4]}",
    "sink=postgres",
    f"sink.uri=postgresql://ana:{SECRETS[5]}@127.0.0.1:9/x",
]


def holding(folder: Path, text: str) -> list[str]:
    """Files that hold one of the secrets, and outputs that show one."""
    found = [
        f"{path.name}: {secret}"
        for path in folder.rglob("*")
        if path.is_file()
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    ]
    return found + [f"output: {secret}" for secret in SECRETS if secret in text]


def watched(*arguments: str, env=None) -> tuple[str, set[str]]:
    """Run a command for real; return what it printed, and every command line that it and its children had from a second on."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        cwd=ROOT,
    )
    lines, start = set(), time.monotonic()
    while process.poll() is None and time.monotonic() < start + 240:
        for number in [process.pid, *command_line.children(process.pid)]:
            try:
                line = Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if line not in lines and seg_has_begun(Path(f"/proc/{number}")):
                lines.add(line)
        time.sleep(0.1)
    return process.stdout.read(), lines


def seg_has_begun(process: Path) -> bool:
    """The first arguments are the user's: they are gone when seg has started the process anew, which shows by pandas."""
    try:
        return b"pyarrow" in (process / "maps").read_bytes()
    except OSError:
        return False


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that a run with secrets in its options and its environment has written to, what it printed, and its processes."""
    folder = tmp_path_factory.mktemp("secrets")
    environment = os.environ | {
        "MLFLOW_TRACKING_TOKEN": SECRETS[6],
        "SEG_HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT / "src"),
    }
    said, lines = watched("seg.run", *TOY, "k=3", f"hydra.run.dir={folder}/run", *PLANTED, env=environment)
    return folder, said, lines


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_a_run_leaves_no_secret_in_files_output_or_processes(place):
    folder, said, lines = place
    assert "seg export run=" in said and "seg track push" in said, said[-2000:]
    assert not holding(folder, said)
    assert lines and not [line for line in lines for secret in SECRETS if secret in line]


def commands(folder: Path) -> dict[str, list[str]]:
    """Commands with secrets in every option that takes an address, a key or properties."""
    store = f"postgresql://ana:{SECRETS[0]}@127.0.0.1:9/x?sslpassword={SECRETS[2]}"
    path = f"https://ana:{SECRETS[3]}@127.0.0.1:9/orders.csv"
    sweep = ["seg.run", "-m", *TOY, "k=2", f"hydra.sweep.dir={folder}/sweep", *PLANTED[1:]]
    model = [f"model={folder}/run", f"input={folder}/new.csv", f"output={folder}/scored.csv", "trust=true"]
    conf = f"engine.conf={{spark.hadoop.fs.s3a.secret.key: {SECRETS[7]}, spark.password: '{SECRETS[8]}'}}"
    return {
        "sweep": [*sweep, f"tracking.uri=sqlite:///{folder}/mlflow.db"],
        "score": ["seg.score", *model, f"tracking.uri=https://{SECRETS[1]}@127.0.0.1:9/x", *PLANTED[2:]],
        "push": ["seg.track", "push", str(folder / "run"), f"tracking.uri={store}"],
        "path": ["seg.run", "dataset=transactions", f"dataset.path={path}", f"hydra.run.dir={folder}/path"],
        "conf": [
            "seg.run",
            *TOY,
            "engine=spark",
            conf,
            "recipe.features=[nope]",
            f"hydra.run.dir={folder}/conf",
        ],
    }


@pytest.mark.parametrize("name", ["sweep", "score", "push", "path", "conf"])
def test_a_command_leaves_no_secret_in_files_or_output(place, name):
    folder = place[0]
    (folder / "new.csv").write_text("customer_id,recency_days,orders,revenue\nc1,5,2,90.5\nc2,50,1,9.5\n")
    environment = command_line.clean_environment(
        SEG_HOME=str(folder / "home"), MLFLOW_TRACKING_TOKEN=SECRETS[6], AWS_SECRET_ACCESS_KEY=SECRETS[9]
    )
    done = command_line.run(*commands(folder)[name], env=environment)
    printed = done.stdout + done.stderr
    assert done.returncode in (0, 1) and "Traceback" not in printed, printed[-1500:]
    assert not holding(folder, printed)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (f"dataset.path=https://ana:{SECRETS[3]}@127.0.0.1:9/orders.csv", "error"),
        (f"tracking.uri=https://{SECRETS[1]}@127.0.0.1:9/x", "error"),
    ],
)
def test_an_address_with_a_secret_that_fails_is_said_without_it(tmp_path, option, said, capsys):
    from seg import data
    from seg.track import __main__ as track

    folder = ["check", "dataset=transactions"] if option.startswith("dataset") else ["push", str(tmp_path)]
    command = data if option.startswith("dataset") else track
    assert command.main([*folder, option]) == 1
    printed = "".join(capsys.readouterr())
    assert said in printed and not holding(tmp_path, printed)
