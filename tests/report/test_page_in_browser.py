"""The page of a run in a real browser: no error, no network, no overflow, and everything within reach of the keyboard."""

from __future__ import annotations

import io
from importlib import resources
from importlib.util import find_spec

import pytest
from PIL import Image
from test_run_page import content

import browser
from seg.report.plots.palette import INK, segment_colour
from seg.report.run_page import render

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")

# Interactive elements without a name, texts without an alternative, headings out of order, cells without a header.
UNNAMED = """[...document.querySelectorAll('a, summary, input, [role=img], [role=region], img, th, svg')].filter(
  (one) => !(one.textContent || one.alt || one.getAttribute('aria-label') || (one.labels && one.labels.length))).length"""
SKIPPED = """(() => { let before = 0, wrong = 0;
  for (const one of document.querySelectorAll('h1, h2, h3, h4')) { const level = +one.tagName[1]; wrong += level > before + 1; before = level; }
  return wrong; })()"""
CONTRAST = """(() => { const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = light(parse(getComputedStyle(document.body).backgroundColor));
  return Math.min(...[...document.querySelectorAll('p, dd, dt, summary, label, a:not(.skip)')].map((one) => {
    const ink = light(parse(getComputedStyle(one).color).slice(0, 3));
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); })); })()"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(render(content()))
    with browser.page(folder / "profile") as page:
        page.open(path.as_uri())
        yield page, path


def test_it_opens_without_an_error_and_without_the_network(opened):
    page, path = opened
    page.shows("Champions", "What to do", "Evidence")
    assert page.console == []
    assert page.requests == [path.as_uri()]


def test_it_is_as_wide_as_the_window_on_a_phone_and_on_a_desktop(opened):
    page, path = opened
    for width in (360, 768, 1400):
        page.open(path.as_uri(), width, 900)
        assert page.value("document.documentElement.scrollWidth") <= width


def test_every_control_and_picture_has_a_name_and_headings_are_in_order(opened):
    page, _path = opened
    assert page.value(UNNAMED) == 0
    assert page.value(SKIPPED) == 0


@pytest.mark.skipif(find_spec("axe_core_python") is None, reason="axe-core-python is not installed")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 390)])
def test_axe_finds_no_violation(opened, scheme, width):
    page, path = opened
    page._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(path.as_uri(), width, 900)
    page.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    script = resources.files("axe_core_python").joinpath("axe.min.js").read_text()
    page._call("Runtime.evaluate", expression=script)
    violations = "violations.map((one) => one.id + ': ' + one.nodes[0].html)"
    assert page.value(f"axe.run(document).then((found) => found.{violations})") == []
    page.value("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    assert page.value("axe.run(document).then((found) => found.violations.map((one) => one.id))") == [
        "image-alt"
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_both_schemes(opened, scheme):
    page, path = opened
    page._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(path.as_uri())
    assert page.value(CONTRAST) >= 4.5


def test_the_profile_switches_between_units_index_and_share_without_a_script(opened):
    page, path = opened
    page.open(path.as_uri())
    shown = "getComputedStyle(document.querySelector('.heat .{}')).display !== 'none'"
    assert page.value(shown.format("units")) and not page.value(shown.format("index"))
    page.value("document.getElementById('view-index').click()")
    assert page.value(shown.format("index")) and not page.value(shown.format("units"))


def test_on_dark_paper_a_figure_keeps_the_colours_of_segments_and_its_white_becomes_the_paper(
    opened, tmp_path
):
    page, _path = opened
    bands = {"white": "#ffffff", "ink": INK, "segment": segment_colour(0)}
    picture = Image.new("RGB", (90, 30))
    for place, colour in enumerate(bands.values()):
        picture.paste(colour, (place * 30, 0, place * 30 + 30, 30))
    written = io.BytesIO()
    picture.save(written, "png")
    html = render(content(figures={"map": ("Map", written.getvalue())}))
    (tmp_path / "report.html").write_text(html)
    page._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.open((tmp_path / "report.html").as_uri(), 700, 600)
    page.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.value("document.querySelector('img').scrollIntoView()")
    left, top, width = page.value(
        "(() => { const box = document.querySelector('img').getBoundingClientRect(); return [box.left, box.top, box.width]; })()"
    )
    page.screenshot(tmp_path / "page.png", whole=False)
    shown = Image.open(tmp_path / "page.png").convert("RGB")
    white, ink, segment = (
        shown.getpixel((int(left + width * (one + 0.5) / 3), int(top + 5))) for one in range(3)
    )
    paper = shown.getpixel((2, int(top + 5)))
    assert all(abs(one - other) <= 2 for one, other in zip(white, paper, strict=True))
    assert min(ink) > 190
    assert all(abs(one - other) <= 26 for one, other in zip(segment, (0x00, 0x72, 0xB2), strict=True))
