"""What a page makes of the files that people give it, in a real Chromium."""

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from metalearn.datasets import decode_image
from tests.foreign import foreign_files, readable_files
from tests.journeys.modules import page_beside_our_modules
from tests.tiffs import as_tiff, written
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
  const take = (one) => pictures.push(one);
  await gather(await picturesAmong(files, leftOut), 1024, { take, leftOut });
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
    folder("cats", file("a.png"), file("notes.txt"), file(".DS_Store"), file("Thumbs.db")),
    folder("__MACOSX", folder("cats", file("._a.png"), file("a.png"))),
    folder("all", folder("dogs", file("b.jpg"), file("c.heic")), folder(".git", file("d.png"))),
    file("alone.png"),
  ];
  const items = entries.map((entry) => ({ kind: "file", webkitGetAsEntry: () => entry }));
  const { found, folders } = await filesOfDrop({ items, files: [] });
  const leftOut = new LeftOut();
  const names = (files) => files.map((one) => one.name);
  const named = (groups) => [...groups].map(([folder, files]) => [folder, names(files)]);
  const dropped = named(await byFolder(found, leftOut));
  const paths = ["all/cats/a.png", "all/cats/.b.png", "all/.git/c.png", "all/d.txt"];
  paths.push("__MACOSX/cats/a.png");
  const chosen = paths.map((path) => {
    const one = new File(["x"], path.split("/").at(-1));
    Object.defineProperty(one, "webkitRelativePath", { value: path });
    return one;
  });
  const others = new LeftOut();
  const fromFolder = named(await byFolder(filesOfFolder(chosen), others));
  return { dropped, folders, sentence: leftOut.sentence, fromFolder, others: others.sentence };
}"""
HEIC = b"\0\0\0\x18ftypheic" + bytes(40)
PDF = b"%PDF-1.7\n" + bytes(40)
TEXT = b"no picture"


GREY = np.full((9, 9), 100, np.uint8)
UNUSUAL = as_tiff(Image.new("1", (9, 9)), "group4")
FOREIGN = [(what, file) for what, files in foreign_files().items() for file in files]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with page_beside_our_modules() as page:
        yield page


def as_file(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def gathered(page: Page, *files: tuple[str, str, bytes]) -> tuple[dict[str, bytes], str]:
    given = [[name, kind, base64.b64encode(content).decode()] for name, kind, content in files]
    found = page.evaluate(GATHER, given)
    return {name: base64.b64decode(text) for name, text in found["taken"]}, found["sentence"]


@pytest.mark.parametrize("turn", range(2, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_what_is_shown_and_sent_to_a_server_is_upright(page: Page, kind: str, turn: int) -> None:
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
        ([("IMG.HEIC", "", TEXT)], "“IMG.HEIC” is not a picture that your browser can read"),
        ([("a.heif", "image/heif", HEIC)], "Settings > Camera > Formats says “Most Compatible”."),
        (
            [("a.jpg", "image/jpeg", HEIC)],
            "“a.jpg” is an HEIC picture, which Freehold cannot read;",
        ),
        ([(f"{n}.heic", "", HEIC) for n in range(2)], "“0.heic” and 1 other are HEIC pictures,"),
        ([(f"{n}.pdf", "", PDF) for n in range(3)], "“0.pdf” and 2 others are PDF documents"),
        ([("x.pdf", "application/pdf", PDF)], "“x.pdf” is a PDF document, which Freehold cannot"),
        ([("a.tif", "image/tiff", UNUSUAL)], "“a.tif” is a TIFF picture with compression 4, which"),
        ([("a.tif", "image/tiff", UNUSUAL)], "this page cannot read; save it as PNG."),
        ([("a.tif", "", written(GREY, tags={256: [60000], 257: [60000]}))], "than 50 megapixels"),
        ([("Thumbs.db", "", TEXT), ("desktop.ini", "", TEXT), ("__MACOSX", "", TEXT)], ""),
    ],
)
def test_what_is_left_out_is_said(
    page: Page, files: list[tuple[str, str, bytes]], sentence: str
) -> None:
    taken, said = gathered(page, ("good.png", "image/png", plain("PNG")), *files)
    assert list(taken) == ["good.png"]
    assert sentence in said if sentence else said == ""


def test_a_picture_without_an_ending_is_found_out_by_looking(page: Page) -> None:
    taken, said = gathered(page, ("nothing", "", plain("JPEG")), ("IMG.heic", "", plain("JPEG")))
    assert (list(taken), said) == (["nothing", "IMG.heic"], "")


@pytest.mark.parametrize(("what", "file"), FOREIGN, ids=[what for what, _ in FOREIGN])
def test_what_nobody_here_reads_is_named_whatever_it_is_called(
    page: Page, what: str, file: bytes
) -> None:
    taken, said = gathered(page, ("good.png", "image/png", plain("PNG")), ("x.jpg", "", file))
    assert list(taken) == ["good.png"]
    assert said.startswith(f"“x.jpg” is {what}, which Freehold cannot read; ")


def test_every_format_that_is_read_is_shown_and_sent(page: Page) -> None:
    files = readable_files()
    taken, said = gathered(page, *((f"{kind}.txt", "text/plain", files[kind]) for kind in files))
    assert ([*taken], said) == ([f"{kind}.txt" for kind in files], "")
    for kind, sent in taken.items():
        here = decode_image(sent, channels=1, image_size=16).numpy().astype(int)
        there = decode_image(files[kind.removesuffix(".txt")], channels=1, image_size=16).numpy()
        assert np.abs(here - there).mean() < 6, kind


def test_pictures_of_12_bits_in_16_are_taken_and_named(page: Page) -> None:
    dark = Image.fromarray(np.full((9, 9), 4095, np.uint16))
    bright = Image.fromarray(np.full((9, 9), 4096, np.uint16))
    files = [("a.png", as_file(dark)), ("b.tif", as_tiff(dark)), ("c.png", as_file(bright))]
    taken, said = gathered(page, *((name, "", file) for name, file in files))
    assert list(taken) == ["a.png", "b.tif", "c.png"]
    assert said.startswith(
        "“a.png” and 1 other look nearly black: the values have 16 bits, but none"
    )
    assert said.endswith("multiply them by 16, or save with 8 bits.")


def test_dropped_folders_are_told_apart_and_hidden_ones_are_skipped(page: Page) -> None:
    found = page.evaluate(DROP)
    assert found["dropped"] == [["cats", ["a.png"]], ["dogs", ["b.jpg", "c.heic"]]]
    assert found["folders"] == 2
    assert found["sentence"].startswith("“notes.txt” is not a picture and was left out. Drop")
    assert found["fromFolder"] == [["cats", ["a.png"]]]
    assert found["others"] == "“d.txt” is not a picture and was left out."
