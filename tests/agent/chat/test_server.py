"""The server: who is let in, what is served, what a browser is told; nothing outside the workspace, no fault of 500."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.agent.chat.conftest import Asked, inspect_three, learned
from tests.helpers.packages import needs

from seewhy.agent.chat.accounts import Accounts
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.server import application, serving
from seewhy.agent.chat.workspace import Home
from seewhy.card import ProductCard
from seewhy.errors import BadData

pytestmark = [
    pytest.mark.slow,
    needs("gradio"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
HERE = "http://127.0.0.1"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, model_folder: Path, card: ProductCard) -> Asked:
    asked = Asked(learned(tmp_path_factory.mktemp("served") / "w", model_folder, card))
    inspect_three(asked)
    return asked


@pytest.fixture(scope="module")
def client(workspace: Asked) -> Iterator[TestClient]:
    with TestClient(application(workspace.home, workspace.desk), base_url=HERE) as found:
        yield found


@pytest.fixture
def guarded(home: Home) -> Iterator[TestClient]:
    Accounts(home.folder / "accounts.json").add("Kim", "a long password", "inspector")
    with TestClient(application(home, Desk(home)), base_url=HERE) as found:
        yield found


def test_the_page_comes_in_the_browsers_language_and_in_the_chosen_one(client: TestClient) -> None:
    def where(header: str) -> str:
        return str(client.get("/", headers={"accept-language": header}, follow_redirects=False).headers["location"])

    assert [where("ko-KR,ko;q=0.9"), where("de, ko;q=0.5"), where("fr"), where("en-GB, ko")] == ["/ko/", "/ko/", "/en/", "/en/"]
    assert client.get("/language/ko?view=line", follow_redirects=False).headers["location"] == "/ko/?view=line"
    assert where("en") == "/ko/"  # the cookie remembers
    assert client.get("/ko/").status_code == 200
    assert client.get("/en/").status_code == 200


def test_every_answer_closes_frames_and_loads_nothing_from_outside(client: TestClient) -> None:
    for path in ("/en/", "/static/app.js", "/pictures/plate/photo/l1/stain.png", "/nothing", "/login"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
    page = client.get("/en/").text
    config = client.get("/en/config").text
    assert 'analytics_enabled":false' in config.replace(" ", "")
    for text in (page, config):
        assert not re.findall(r'(?:src|href)="(https?://(?!127\.0\.0\.1)[^"]+)', text)


def test_pictures_and_documents_are_served(client: TestClient) -> None:
    for path, start in (
        ("photo/l1/stain.png", b"\xff\xd8"),
        ("thumbnail/l1/stain.png", b"\xff\xd8"),
        ("heat/l1/stain.png", b"\x89PNG"),
        ("good/0.png", b"\xff\xd8"),
    ):
        found = client.get(f"/pictures/plate/{path}")
        assert (found.status_code, found.content[: len(start)]) == (200, start), path
    page = client.get("/documents/plate/l1/ko.html")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "검사" in page.text
    table = client.get("/documents/plate/l1/en.csv?download=1")
    assert table.headers["content-disposition"].startswith("attachment")
    assert "stain.png" in table.text


OUT = ("..%2f..%2fcard.yaml", "l1/..%2f..%2fledger.sqlite", "%2fetc%2fpasswd")
TRAVERSAL = [
    *(f"/pictures/plate/{kind}/{where}" for kind in ("photo", "good", "heat", "reference") for where in OUT),
    "/pictures/..%2fplate/photo/l1/stain.png",
    "/documents/plate/..%2f..%2f/en.html",
    "/documents/plate/l1/en...%2f",
    "/documents/..%2fplate/of/ncr/en.pdf?part=stain.png",
    "/documents/plate/of/..%2fncr/en.pdf?part=stain.png",
    "/documents/plate/of/certificate/en.html?part=..%2f..%2fledger.sqlite",
    "/static/..%2fserver.py",
    "/static/login.html.j2",
    "/en/gradio_api/file=/etc/passwd",
    "/en/gradio_api/file=products/plate/ledger.sqlite",
    "/en/gradio_api/file=../../../../etc/passwd",
    "/en/file=/etc/passwd",
    "/en/gradio_api/proxy=https://example.com/",
]


@pytest.mark.parametrize("path", TRAVERSAL)
def test_no_address_leads_out(client: TestClient, path: str) -> None:
    found = client.get(path)
    assert found.status_code in (400, 401, 403, 404, 405), (path, found.status_code)
    assert b"root:" not in found.content
    assert b"SQLite" not in found.content


def test_no_file_of_the_workspace_is_served_by_its_path(client: TestClient, workspace: Asked) -> None:
    home = workspace.home
    for path in [*home.folder.rglob("*.sqlite"), *home.folder.rglob("card.yaml"), *home.folder.rglob("*.png")]:
        assert client.get(f"/en/gradio_api/file={path}").status_code in (403, 404), path


def test_another_site_another_name_and_a_frame_are_refused(client: TestClient) -> None:
    assert client.post("/login", data={}, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post("/en/gradio_api/queue/join", json={}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.get("/en/", headers={"host": "evil.example"}).status_code == 421


def test_without_a_session_nothing_but_the_login_is_served(guarded: TestClient) -> None:
    assert guarded.get("/en/", headers={"accept": "text/html"}, follow_redirects=False).headers["location"] == "/login"
    for path in ("/en/config", "/pictures/plate/good/0.png", "/documents/plate/l1/en.html", "/static/app.js", "/en/gradio_api/info"):
        assert guarded.get(path, follow_redirects=False).status_code == 401, path
    assert guarded.post("/en/gradio_api/component_server", json={}).status_code == 401
    page = guarded.get("/login", headers={"accept-language": "ko"})
    assert "로그인" in page.text
    assert guarded.post("/login", data={"name": "Kim", "password": "no"}).status_code == 401
    came = guarded.post("/login", data={"name": "Kim", "password": "a long password"}, follow_redirects=False)
    assert {"httponly", "samesite=strict"} <= {part.strip().lower() for part in came.headers["set-cookie"].split(";")}
    assert guarded.get("/pictures/plate/good/0.png").status_code == 200
    guarded.post("/logout")
    assert guarded.get("/pictures/plate/good/0.png").status_code == 401


def asked_of(client: TestClient, name: str, **given: Any) -> Any:
    """An action as the page's canvas asks for it."""
    config = client.get("/en/config").json()
    canvas = next(one for one in config["components"] if one.get("props", {}).get("server_fns"))
    body = {
        "session_hash": "s",
        "component_id": canvas["id"],
        "fn_name": "act",
        "data": {"name": name, "given": given, "me": "Somebody else"},
    }
    return client.post("/en/gradio_api/component_server", json=body).json()


def test_an_account_acts_under_its_own_name_and_role(guarded: TestClient) -> None:
    guarded.post("/login", data={"name": "Kim", "password": "a long password"})
    person = asked_of(guarded, "state", product="plate")["answer"]["person"]
    assert person == {"name": "Kim", "role": "inspector", "may": ["judge", "inspect"]}
    assert "may not do that as inspector" in asked_of(guarded, "learn", product="plate")["problem"]


def test_beyond_this_machine_it_starts_with_accounts_alone(home: Home) -> None:
    with pytest.raises(BadData, match="--add-account"), serving(home.folder, host="0.0.0.0"):
        pass


def test_no_route_answers_with_a_fault(client: TestClient) -> None:
    words = ["", "x", "../x", "\u0000", "%", "부품", "l1", "plate", "9" * 300, "<script>"]
    paths = [f"/pictures/{a}/{b}/{c}" for a in words for b in ("photo", "good", "heat", "reference", "thumbnail", "x") for c in words]
    paths += [f"/documents/{a}/{b}/{c}" for a in words for b in words for c in ("en.html", "xx.exe", "ko.", ".")]
    paths += [
        f"/documents/plate/of/{a}/{b}?part={b}&month={b}&entry={b}"
        for a in (*words, "8d", "monthly", "study")
        for b in ("en.html", "9" * 300)
    ]
    paths += [f"/{a}" for a in words] + [f"/language/{a}" for a in words] + [f"/static/{a}" for a in words]
    for path in paths:
        try:
            status = client.get(path, follow_redirects=False).status_code
        except Exception as error:
            assert type(error).__name__ in ("InvalidURL", "UnicodeEncodeError"), (path, error)  # the client would not send it
            continue
        assert status < 500, path
    for body in (b"", b"{}", b"[1]", b'{"data": 7}', b'{"fn_name": "__init__", "component_id": 1}'):
        found = client.post("/login", content=body)
        assert found.status_code < 500
