from __future__ import annotations

import click

from conftest import assert_refused
from stored_versions import NEW, OLD, write_version


def write_report(project, version):
    page = project / f"data/08_reporting/concrete/report.html/{version}/report.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>a report</p>")


def test_the_newest_report_is_opened_and_its_path_printed(command, configured, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    for version in (OLD, NEW):
        write_report(configured, version)
        write_version(version)

    newest, named = command("open", "concrete"), command("open", "concrete", "--version", OLD)

    path = "data/08_reporting/concrete/report.html/{0}/report.html\n"
    assert newest.output == path.format(NEW)
    assert named.output == path.format(OLD)
    assert opened == [
        (configured / path.format(version).strip()).as_uri() for version in (NEW, OLD)
    ]


def test_a_version_without_a_report_is_refused(command, configured):
    write_version(NEW)
    (configured / f"data/08_reporting/concrete/report.html/{NEW}/report.html").unlink()

    assert_refused(command("open", "concrete"), "has no report; run it again")


def test_a_study_that_is_not_there_is_refused(command, configured):
    assert_refused(command("open", "concret"), "did you mean 'concrete'")
