"""The page's own files: all there, nothing from elsewhere, nothing that becomes markup."""

import re

from fanfold.serving.assets import MEDIA_TYPES, page_assets

TEXTS = {name: asset.content.decode() for name, asset in page_assets().items()}
SCRIPTS = {name: text for name, text in TEXTS.items() if name.endswith(".js")}


def test_every_file_that_the_page_asks_for_is_there() -> None:
    asked = set(re.findall(r'(?:src|href)="(page/[^"]+)"', TEXTS[""]))
    for text in SCRIPTS.values():
        asked |= {f"page/{name}" for name in re.findall(r'from "\./([^"]+)"', text)}
    assert asked == set(TEXTS) - {""}


def test_kinds_are_those_that_a_browser_must_take_them_for() -> None:
    for name, asset in page_assets().items():
        suffix = "." + (name or "index.html").rpartition(".")[2]
        assert asset.media_type == MEDIA_TYPES[suffix], name


def test_nothing_comes_from_elsewhere() -> None:
    for name, text in TEXTS.items():
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text) == [], name
    links = re.findall(r'(?:src|href)="([^"]+)"', TEXTS[""])
    assert links
    assert [link for link in links if link.startswith(("/", "http", "//"))] == []


def test_what_the_policy_forbids_is_not_tried() -> None:
    assert re.findall(r"<style|style=|\son\w+=|javascript:", TEXTS[""]) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", TEXTS[""]) == []
    for name, text in SCRIPTS.items():
        assert re.findall(r"\beval\(|new Function|\"style\"", text) == [], name


def test_what_the_deployment_says_never_becomes_markup() -> None:
    for name, text in SCRIPTS.items():
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text) == []
        assert "localStorage" not in text, name


def test_ids_that_scripts_look_for_are_on_the_page_or_made_by_them() -> None:
    there = set(re.findall(r'\bid="([^"]+)"', TEXTS[""]))
    for text in SCRIPTS.values():
        there |= set(re.findall(r'\bid: "([^"]+)"', text))
    wanted = {one for text in SCRIPTS.values() for one in re.findall(r'find\("([^"]+)"\)', text)}
    assert wanted
    assert wanted - there == set()
