"""The sample company's website, served on loopback, and what Lookout finds in it."""

from pathlib import Path

import pytest

from loom.sample.exchange import Answered, Asked, serving
from loom.sample.site import Site
from tests.sample.planted import assert_found, planted
from tests.workers.broadcast_ground import SAMPLE_NOW, client, company_serving
from tests.workers.conftest import Contexts
from workers.website_health_scanner import KINDS, Settings, run


def test_lookout_finds_what_is_planted_in_the_sample_companys_site_and_nothing_else(
    contexts: Contexts,
) -> None:
    with company_serving() as base, client() as http:
        sample = planted("website-health-scanner", base=base)
        output = run(contexts(Settings.model_validate(sample.settings), now=SAMPLE_NOW, http=http))
    assert_found(output, sample, KINDS)
    assert output.pages_checked > 10


def ask(site: Site, path: str, method: str = "GET") -> Answered:
    return site(Asked(method, path, {}, {"host": "127.0.0.1:1"}, b""))


@pytest.mark.parametrize(
    "path",
    [
        "/../company/README.md",
        "/..",
        "/.hidden",
        "/_redirects",
        "/%2e%2e/youtube.py",
        "/a\\..\\b",
        "//etc/hosts",
    ],
)
def test_it_serves_nothing_beside_its_folder(path: str) -> None:
    assert ask(Site(), path).status == 404


def test_it_takes_no_writing_and_follows_no_link_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "link.txt").symlink_to(tmp_path / "secret.txt")
    site = Site(tmp_path / "web")
    assert ask(site, "/link.txt").status == 404
    assert ask(site, "/", "POST").status == 405


def test_its_links_lead_to_wherever_it_is_served() -> None:
    with serving({"": Site()}) as base, client() as http:
        feed = http.get(f"{base}/second-take.rss")
        assert feed.headers["content-type"] == "application/rss+xml; charset=utf-8"
        assert f'url="{base}/audio/109.mp3"' in feed.text
        assert "${" not in feed.text
        audio = http.head(f"{base}/audio/109.mp3")
        assert (audio.headers["content-type"], audio.headers["content-length"]) == ("audio/mpeg", "1976")
        assert http.get(f"{base}/blog").headers["location"] == f"{base}/news"
