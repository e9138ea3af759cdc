from __future__ import annotations

from rich.table import Table

from dropnorm.cli.study.project import screen


def test_names_and_units_are_printed_as_they_are_written(capsys):
    table = Table("MAE, [red]", ":smile:")
    table.add_row("[bold]a[/bold]", "[/]")

    console = screen()
    console.print(table)
    console.print("[blue] :warning:")

    printed = capsys.readouterr().out
    for text in ("MAE, [red]", ":smile:", "[bold]a[/bold]", "[/]", "[blue] :warning:"):
        assert text in printed
