"""A suite: a comparison described by a small TOML file.

The file names data packs and pools by paths relative to itself (or to --data-root), the algorithms
with their settings, seeds, shots, heads and calibrations, and the references to include. `suites/`
has examples.
"""

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from metalearn.bench.toml_table import TomlTable
from metalearn.errors import InvalidSetting
from metalearn.meta_learner import adaptation_settings

SHIPPED = Path(__file__).parent / "suites"
QUICK_EPISODES = 100
SELECTIONS = ("last", "pseudo")
HEADS = ("default", *adaptation_settings.HEADS)
CALIBRATIONS = adaptation_settings.CALIBRATIONS
REFERENCES = ("each_teacher", "public_backbone")
MEAN_TEACHER = "mean of all teachers"
BEST_TEACHER = "best teacher of each column (oracle)"


@dataclass(frozen=True)
class PoolEntry:
    """A pool: the models of one or several directories, and the packs it is evaluated on."""

    name: str
    directories: tuple[Path, ...]
    models: int | None
    """Take at most this many of each directory's first models; None takes all."""
    packs: tuple[str, ...]
    dataset: str = ""
    """Training data set of all models, for manifests that name the same data differently."""


@dataclass(frozen=True)
class AlgorithmEntry:
    """An algorithm with settings; the label is its name in tables and figures."""

    label: str
    name: str
    settings: dict[str, object] = field(default_factory=dict)
    quick: dict[str, object] = field(default_factory=dict)
    """Overrides of the settings with --quick."""
    inductive_only: bool = False
    """Skip transductive evaluation, which cannot cache features and is slow for large ensembles."""


@dataclass(frozen=True)
class ReferenceEntry:
    """A reference without any method: the pool's models by themselves, or published weights."""

    name: str
    labels: tuple[str, ...]
    """Its rows. Models by themselves have two, their mean and the best of them."""
    models: int | None = None
    """At most this many of the pool's models, evenly spread; None takes all."""
    checkpoint: Path | None = None
    image_size: int = 0


@dataclass(frozen=True)
class Judging:
    way: int
    query: int
    episodes: int
    shots: tuple[int, ...]
    heads: tuple[str, ...]
    calibrations: tuple[str, ...]
    adaptation: dict[str, object]
    """Adaptation settings that override the learner's defaults."""
    seed: int


@dataclass(frozen=True)
class Curve:
    """Evaluations of unfinished learners: how many, evenly spread, and episodes of each."""

    points: int
    episodes: int


@dataclass(frozen=True)
class Suite:
    name: str
    title: str
    text: str
    pools: tuple[PoolEntry, ...]
    packs: dict[str, Path]
    algorithms: tuple[AlgorithmEntry, ...]
    seeds: tuple[int, ...]
    judging: Judging
    curve: Curve
    selection: str
    """Which learner of a run is evaluated: its last, or the best on pseudo-tasks of its memory."""
    best_on_judged: bool
    tuned_on: tuple[str, ...] = ()
    """Packs on whose classes the algorithms' settings were tuned."""
    references: tuple[ReferenceEntry, ...] = ()

    @property
    def labels(self) -> list[str]:
        of_references = [label for entry in self.references for label in entry.labels]
        return of_references + [entry.label for entry in self.algorithms]

    def narrowed(self, labels: Collection[str]) -> "Suite":
        """Return the suite with only the rows of these labels; a reference keeps all of its own."""
        return replace(
            self,
            references=tuple(e for e in self.references if not set(labels).isdisjoint(e.labels)),
            algorithms=tuple(entry for entry in self.algorithms if entry.label in labels),
        )

    def quickened(self) -> "Suite":
        """Return a quick version: fewer episodes, one seed, each algorithm's quick settings."""
        return replace(
            self,
            seeds=self.seeds[:1],
            judging=replace(self.judging, episodes=min(self.judging.episodes, QUICK_EPISODES)),
            curve=replace(self.curve, episodes=min(self.curve.episodes, QUICK_EPISODES // 2)),
            algorithms=tuple(
                replace(entry, settings=entry.settings | entry.quick) for entry in self.algorithms
            ),
        )


def shipped_suites() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find_suite(name: str) -> Path:
    shipped = SHIPPED / f"{name}.toml"
    if Path(name).name == name and shipped.is_file():
        return shipped
    if Path(name).suffix == ".toml" and Path(name).is_file():
        return Path(name)
    raise InvalidSetting(
        f"There is no suite “{name}”; give a .toml file or one of {', '.join(shipped_suites())}."
    )


def read_suite(path: Path, *, data_root: Path | None = None) -> Suite:
    """Read a suite from a file.

    Its paths are relative to `data_root` or else to the file's folder; those of a shipped suite are
    relative to the current folder. Raises InvalidSetting if the file is invalid. Pools and packs
    need not exist.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"“{path}” is not a TOML file: {error}; fix that place.") from None
    root = data_root or (Path() if path.parent == SHIPPED else path.parent)
    table = TomlTable(values, f"“{path.name}”")
    packs = {name: root / str(file) for name, file in table.settings("packs").items()}
    suite = Suite(
        name=path.stem,
        title=table.text("title", path.stem),
        text=table.text("text", "").strip(),
        pools=tuple(_pool(entry, root, packs) for entry in table.tables("pools")),
        packs=packs,
        algorithms=tuple(_algorithm(entry) for entry in table.tables("algorithms")),
        seeds=table.counts("seeds", (0,), low=0),
        judging=_judging(table),
        curve=Curve(
            table.count("curve_points", 8, low=0), table.count("curve_episodes", 100, low=2)
        ),
        selection=table.choice("selection", SELECTIONS),
        best_on_judged=table.flag("best_on_judged"),
        tuned_on=table.texts("tuned_on", ()) if table.has("tuned_on") else (),
        references=tuple(_reference(entry, root) for entry in _optional(table, "references")),
    )
    table.finish()
    _check_known(suite.tuned_on, tuple(packs), "packs")
    _check_distinct([pool.name for pool in suite.pools], "pools")
    _check_distinct(suite.labels, "rows")
    return suite


def _optional(table: TomlTable, key: str) -> Sequence[TomlTable]:
    return table.tables(key) if table.has(key) else ()


def _judging(table: TomlTable) -> Judging:
    heads = table.texts("heads", HEADS[:1])
    calibrations = table.texts("calibrations", CALIBRATIONS[:1])
    _check_known(heads, HEADS, "heads")
    _check_known(calibrations, CALIBRATIONS, "calibrations")
    return Judging(
        way=table.count("way", 5, low=2),
        query=table.count("query", 15),
        episodes=table.count("episodes", 600, low=2),
        shots=table.counts("shots", (1, 5)),
        heads=heads,
        calibrations=calibrations,
        adaptation=table.settings("adaptation"),
        seed=table.count("judging_seed", 0, low=0),
    )


def _pool(table: TomlTable, root: Path, packs: dict[str, Path]) -> PoolEntry:
    entry = PoolEntry(
        name=table.text("name"),
        directories=tuple(root / path for path in table.texts("directories")),
        models=table.count("models", None) if table.has("models") else None,
        packs=table.texts("packs"),
        dataset=table.text("dataset", ""),
    )
    table.finish()
    _check_known(entry.packs, tuple(packs), "packs")
    return entry


def _algorithm(table: TomlTable) -> AlgorithmEntry:
    name = table.text("name")
    entry = AlgorithmEntry(
        label=table.text("label", name),
        name=name,
        settings=table.settings("settings"),
        quick=table.settings("quick"),
        inductive_only=table.flag("inductive_only"),
    )
    table.finish()
    return entry


def _reference(table: TomlTable, root: Path) -> ReferenceEntry:
    name = table.text("name")
    _check_known((name,), REFERENCES, "references")
    if name == REFERENCES[0]:
        models = table.count("models", None) if table.has("models") else None
        entry = ReferenceEntry(name, (MEAN_TEACHER, BEST_TEACHER), models=models)
    else:
        entry = ReferenceEntry(
            name,
            (table.text("label", "public backbone"),),
            checkpoint=root / table.text("checkpoint"),
            image_size=table.count("image_size", None),
        )
    table.finish()
    return entry


def _check_known(values: tuple[str, ...], known: tuple[str, ...], what: str) -> None:
    for value in values:
        if value not in known:
            raise InvalidSetting(
                f"“{value[:60]}” is not one of the suite's {what}, which are {', '.join(known)}."
            )


def _check_distinct(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InvalidSetting(
                f"Two of the suite's {what} are called “{name[:60]}”; give each a unique name."
            )
