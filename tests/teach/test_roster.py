"""The list of students."""

from pathlib import Path

import pytest

from tests.teach.test_commands import run

ROSTERS = [
    ("student\nada\nbob\n", ["ada", "bob"]),
    ("ada\nbob\n", ["ada", "bob"]),
    ("\ufeffName;E-Mail;Student ID\nAda, L.;a@x.org;2024/17\nBob;b@x.org;2024/18\n", ["2024/17", "2024/18"]),
    ('name\tteam\n"王 五"\t1\n', ["王 五"]),
    ("姓名,学号\n王五,7\n\n李四,8\n", ["7", "8"]),
]


@pytest.mark.parametrize(("text", "students"), ROSTERS)
def test_a_roster_is_read_as_people_and_programs_write_it(tmp_path, text, students):
    from mlmtutor.teach.assignments.roster import read_roster

    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    assert read_roster(path) == students


BAD_ROSTERS = [
    (None, "cannot read the roster 'roster.csv': No such file or directory"),
    ("", "expected one student a line in 'roster.csv', found none"),
    ("student\n", "expected students below the column names in 'roster.csv', found none"),
    ("student\nada\nbob\nAda\n", "'roster.csv', line 4: Ada is in line 2 already"),
    ("student,team\nada,1\n,2\n", "'roster.csv', line 3: expected a student, found none"),
    (
        "color,team\nred,1\n",
        "expected a column such as student, id, email, 学号 in 'roster.csv', found color, team",
    ),
    (b"PK\x03\x04\x00\x00\x08\x00", "cannot read the roster"),
    ("姓名,学号\n王五,甲\n".encode("gb18030"), "--encoding gb18030"),
]


@pytest.mark.parametrize(("text", "message"), BAD_ROSTERS)
def test_an_unreadable_roster_is_refused_in_one_line(toy, text, message):
    if text is not None:
        Path("roster.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    status, printed, errors = run("assignment", "toy", "--students", "roster.csv")
    assert status == 1 and not printed
    assert len(errors.splitlines()) == 1 and message in errors
    assert not Path("01_toy-assignment").exists()
