"""Folders and files dropped on the adaptation page, in a real Chromium."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.foreign import readable_files
from tests.journeys.adapting import NEEDS_CHROMIUM, chromium, learner_with_steps, signed_in_page
from tests.journeys.instance import Instance
from tests.turned import plain

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    NEEDS_CHROMIUM,
]
# Chromium gives scripts no way to make a drop with folders, so its entries are played.
DROP = """(node, [text, folders]) => {
  const content = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const inside = (name) => (/\\.(txt|pdf)$/.test(name) ? "no picture" : content);
  const made = (name) => new File([inside(name)], name);
  const file = (name) => ({ isFile: true, name, file: (give) => give(made(name)) });
  const folder = ([name, names]) => ({ isDirectory: true, name, createReader: () => {
    const parts = [names.map(file), []];
    return { readEntries: (give) => give(parts.shift()) };
  } });
  const entries = folders.map((one) => (typeof one === "string" ? file(one) : folder(one)));
  const items = entries.map((entry) => ({ kind: "file", webkitGetAsEntry: () => entry }));
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.defineProperty(event, "dataTransfer", { value: { items, files: [] } });
  node.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def address(embedded: Instance) -> str:
    return f"/learners/{learner_with_steps(embedded)}/adapt/"


@pytest.fixture(scope="module")
def context(embedded: Instance) -> Iterator[BrowserContext]:
    with chromium() as browser:
        context = browser.new_context(base_url=embedded.url)
        signed_in_page(context).close()
        yield context


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    page = context.new_page()
    page.goto(address)
    expect(page.locator("[data-classes] > li")).to_have_count(2)
    yield page
    page.close()


def drop(page: Page, where: str, *folders: str | list) -> None:
    content = base64.b64encode(plain("PNG")).decode()
    page.locator(where).first.evaluate(DROP, [content, list(folders)])


def names(page: Any) -> list[str]:
    fields = page.locator("[data-classes] input[type=text]")
    return fields.evaluate_all("all => all.map(one => one.value)")


@pytest.mark.parametrize("where", ["body", "[data-classes] > li"])
def test_several_dropped_folders_become_classes_wherever_they_fall(page: Any, where: Any) -> None:
    drop(page, where, ["cats", ["a.png", "b.png"]], ["dogs", ["c.png", "notes.txt", "x.pdf"]])
    expect(page.locator("[data-classes] img")).to_have_count(3)
    assert names(page) == ["cats", "dogs"]
    expect(page.locator("[data-problem]")).to_contain_text("2 files are not pictures")


def test_one_folder_on_a_class_is_that_class(page: Any) -> None:
    drop(page, "[data-classes] > li", ["cats", ["a.png", "b.png"]])
    expect(page.locator("[data-classes] > li").first.locator("img")).to_have_count(2)
    assert names(page) == ["", ""]


def test_one_folder_beside_everything_is_a_new_class(page: Any) -> None:
    drop(page, "body", ["cats", ["a.png"]])
    expect(page.locator("[data-classes] img")).to_have_count(1)
    assert names(page) == ["cats"]


def test_a_picture_dropped_beside_everything_is_told_where_it_belongs(page: Any) -> None:
    drop(page, "body", "a.png")
    expect(page.locator("[data-problem]")).to_contain_text("Drop pictures on their class")
    assert names(page) == ["", ""]


def test_folders_never_make_more_classes_than_there_can_be(page: Any) -> None:
    drop(page, "body", *([f"{number}", ["a.png"]] for number in range(30)))
    page.evaluate(
        "for (let n = 0; n < 5; n += 1) document.querySelector('[data-add-class]').click()"
    )
    expect(page.locator("[data-problem]")).to_contain_text("At most 20 classes are possible")
    assert len(names(page)) == 20


def test_a_folders_name_is_cut_to_what_the_server_takes(page: Any) -> None:
    drop(page, "body", ["x" * 120, ["a.png"]])
    expect(page.locator("[data-problem]")).to_contain_text("at most 100 characters")
    assert names(page) == ["x" * 100]


def test_the_buttons_offer_every_format_that_is_read_and_no_heic(page: Any) -> None:
    for where in ("[data-classes] > li", "[data-query-drop]"):
        field = page.locator(f"{where} input[type=file]").first
        accepted = field.get_attribute("accept").split(",")
        assert {f"image/{kind.lower()}" for kind in readable_files()} <= {*accepted}
        assert {".tif", ".tiff"} <= {*accepted}
        assert not [one for one in accepted if "hei" in one or one == "image/*"]
