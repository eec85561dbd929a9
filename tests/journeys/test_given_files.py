"""What a page makes of the files that people give it, in a real Chromium."""

import base64

import numpy as np
import pytest

from metalearn.datasets import decode_image
from tests.journeys.modules import page_beside_our_modules
from tests.tools import find_chromium
from tests.turned import plain, turned_files

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]
GATHER = """async (given) => {
  const { LeftOut, picturesAmong } = await import("/js/adaptation/files.js");
  const { gather, toBase64 } = await import("/js/adaptation/images.js");
  const files = given.map(([name, type, text]) =>
    new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name, { type }));
  const leftOut = new LeftOut();
  const pictures = [];
  await gather(picturesAmong(files, leftOut), 1024, { take: (one) => pictures.push(one), leftOut });
  const taken = [];
  for (const { name, small } of pictures) taken.push([name, await toBase64(small)]);
  return { taken, sentence: leftOut.sentence };
}"""
DROP = """async () => {
  const { filesOfDrop, filesOfFolder, byFolder, LeftOut } = await import("/js/adaptation/files.js");
  const file = (name) => ({ isFile: true, name, file: (give) => give(new File(["x"], name)) });
  const folder = (name, ...inside) => ({ isDirectory: true, name, createReader: () => {
    const parts = [inside, []];
    return { readEntries: (give) => give(parts.shift()) };
  } });
  const entries = [
    folder("cats", file("a.png"), file("notes.txt"), file(".DS_Store")),
    folder("all", folder("dogs", file("b.jpg"), file("c.heic")), folder(".git", file("d.png"))),
    file("alone.png"),
  ];
  const items = entries.map((entry) => ({ kind: "file", webkitGetAsEntry: () => entry }));
  const { found, folders } = await filesOfDrop({ items, files: [] });
  const leftOut = new LeftOut();
  const names = (files) => files.map((one) => one.name);
  const named = (groups) => [...groups].map(([folder, files]) => [folder, names(files)]);
  const dropped = named(byFolder(found, leftOut));
  const paths = ["all/cats/a.png", "all/cats/.b.png", "all/.git/c.png", "all/d.txt"];
  const chosen = paths.map((path) => {
    const one = new File(["x"], path.split("/").at(-1));
    Object.defineProperty(one, "webkitRelativePath", { value: path });
    return one;
  });
  const others = new LeftOut();
  const fromFolder = named(byFolder(filesOfFolder(chosen), others));
  return { dropped, folders, sentence: leftOut.sentence, fromFolder, others: others.sentence };
}"""
HEIC = b"\0\0\0\x18ftypheic" + bytes(40)
TEXT = b"no picture"


@pytest.fixture(scope="module")
def page():
    with page_beside_our_modules() as page:
        yield page


def gathered(page, *files: tuple[str, str, bytes]) -> tuple[dict[str, bytes], str]:
    given = [[name, kind, base64.b64encode(content).decode()] for name, kind, content in files]
    found = page.evaluate(GATHER, given)
    return {name: base64.b64decode(text) for name, text in found["taken"]}, found["sentence"]


@pytest.mark.parametrize("turn", range(2, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_what_is_shown_and_sent_to_a_server_is_upright(page, kind, turn):
    file = turned_files()[f"{kind} {turn}"]
    taken, _ = gathered(page, ("one", f"image/{kind}", file))
    here = decode_image(taken["one"], channels=1, image_size=16).numpy().astype(int)
    there = decode_image(file, channels=1, image_size=16).numpy()
    assert np.abs(here - there).mean() < (1 if kind == "png" else 6)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("notes.txt", "text/plain", TEXT)], "“notes.txt” is not a picture and was left out."),
        ([("data.xyz", "", TEXT)], "“data.xyz” is not a picture and was left out."),
        ([(f"{n}.txt", "", TEXT) for n in range(3)], "3 files are not pictures and were left out."),
        ([(".DS_Store", "", TEXT), ("._x.png", "image/png", TEXT)], ""),
        ([("a.png", "image/png", TEXT)], "“a.png” is not a picture that your browser can read"),
        ([("nothing", "", TEXT)], "“nothing” is not a picture that your browser can read"),
        ([("IMG.HEIC", "", TEXT)], "“IMG.HEIC” is a HEIC picture, which your browser cannot read."),
        ([("a.heif", "image/heif", HEIC)], "Settings > Camera > Formats says “Most Compatible”"),
        ([("a.jpg", "image/jpeg", HEIC)], "“a.jpg” is a HEIC picture"),
        ([(f"{n}.heic", "", HEIC) for n in range(2)], "2 pictures are HEIC files"),
    ],
)
def test_what_is_left_out_is_said(page, files, sentence):
    taken, said = gathered(page, ("good.png", "image/png", plain("PNG")), *files)
    assert list(taken) == ["good.png"]
    assert sentence in said if sentence else said == ""


def test_a_picture_without_an_ending_is_found_out_by_looking(page):
    taken, said = gathered(page, ("nothing", "", plain("JPEG")), ("IMG.heic", "", plain("JPEG")))
    assert (list(taken), said) == (["nothing", "IMG.heic"], "")


def test_dropped_folders_are_told_apart_and_hidden_ones_are_skipped(page):
    found = page.evaluate(DROP)
    assert found["dropped"] == [["cats", ["a.png"]], ["dogs", ["b.jpg", "c.heic"]]]
    assert found["folders"] == 2
    assert found["sentence"].startswith("“notes.txt” is not a picture and was left out. Drop")
    assert found["fromFolder"] == [["cats", ["a.png"]]]
    assert found["others"] == "“d.txt” is not a picture and was left out."
