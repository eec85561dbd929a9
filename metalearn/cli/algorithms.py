"""The `algorithms` command: list the algorithms and their settings."""

import argparse

from contract.settings import SettingDescription
from metalearn.cli.common import Commands, add_json, print_json
from metalearn.registry import catalogue


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("algorithms", help="list the algorithms and their settings")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    entries = catalogue()
    if options.json:
        print_json(entries)
        return
    for entry in entries:
        print(f"{entry['name']}: {entry['title']}  {entry['paper']}".rstrip())
        print(f"  {entry['summary']}")
        for preset in entry["presets"]:
            print(f"    --preset {preset['name']}  {preset['help']}")
        for setting in entry["settings"]:
            print(f"    {setting['name']}={setting['default']}  {_describe(setting)}")
        print()


def _describe(setting: SettingDescription) -> str:
    if setting["choices"]:
        return f"{setting['help']} ({', '.join(setting['choices'])})"
    if setting["low"] is None:
        return setting["help"]
    return f"{setting['help']} ({setting['low']:g} to {setting['high']:g})"
