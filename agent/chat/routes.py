"""What is served besides the page itself: pictures, documents, the page's own files, logging in, the language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seewhy.agent.chat.accounts import Accounts
from seewhy.agent.chat.cameras import seen_by
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.good import heat_of
from seewhy.agent.chat.papers import lot_report, paper
from seewhy.agent.chat.pictures import QUALITY, THUMBNAIL_PX, VIEW_PX, file_picture, good_picture, heat_picture
from seewhy.agent.chat.problems import Told, problem
from seewhy.agent.documents.asked import OPTIONS
from seewhy.agent.inspection.inspector import Inspector
from seewhy.errors import SeewhyError
from seewhy.pictures import jpeg, smaller
from seewhy.prompts import catalogue, text

STATIC = Path(__file__).parent / "static"
FILES = {path.name: path for path in STATIC.iterdir() if path.suffix in (".js", ".css", ".svg")}
MEDIA = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "html": "text/html",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "json": "application/json",
}
COOKIE, LANGUAGE = "seewhy_session", "seewhy_language"
LANGUAGES = ("en", "ko")
REPORT_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; frame-ancestors 'self'; "
    "sandbox allow-scripts"
)


def router(desk: Desk, accounts: Accounts, *, secure: bool) -> APIRouter:
    """The routes.

    Args:
        desk: the workspace at work.
        accounts: who may log in.
        secure: whether the page is reached by HTTPS alone, so that its cookies may say so.
    """
    routes = APIRouter()
    _add_shown(routes, desk)
    _add_logins(routes, accounts, secure)

    @routes.get("/")
    def begin(request: Request) -> Response:
        return RedirectResponse(f"/{language_of(request)}/", 303)

    @routes.get("/language/{language}")
    def switch(language: str, request: Request) -> Response:
        chosen = language if language in LANGUAGES else "en"
        query = f"?{request.url.query}" if request.url.query else ""
        answer = RedirectResponse(f"/{chosen}/{query}", 303)
        answer.set_cookie(LANGUAGE, chosen, max_age=31_536_000, samesite="strict", httponly=True, secure=secure)
        return answer

    @routes.get("/static/{name}")
    def own_file(name: str) -> Response:
        path = FILES.get(name)
        if path is None:
            return Response(status_code=404)
        return Response(path.read_bytes(), media_type=MEDIA[path.suffix[1:]], headers={"Cache-Control": "no-cache"})

    return routes


def _add_shown(routes: APIRouter, desk: Desk) -> None:
    """Pictures, cameras and documents."""

    @routes.get("/pictures/{product}/{kind}/{rest:path}")
    def picture(product: str, kind: str, rest: str) -> Response:
        try:
            data, media = _picture(desk, product, kind, rest.split("/"))
        except SeewhyError as error:
            return Response(problem(error, "en"), 404, media_type="text/plain")
        return Response(data, media_type=media, headers={"Cache-Control": "private, max-age=300"})

    @routes.get("/cameras/{name}.jpg")
    def seen(name: str) -> Response:
        try:
            data = jpeg(smaller(seen_by(desk.cameras, name), VIEW_PX), QUALITY)
        except SeewhyError as error:
            return Response(problem(error, "en"), 404, media_type="text/plain")
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @routes.get("/documents/{product}/{lot}/{name}")
    def rendered(product: str, lot: str, name: str, download: int = 0) -> Response:
        return _sent(
            name, f"{product}-{lot}", download, lambda format_, language: lot_report(desk.home.product(product), lot, format_, language)
        )

    @routes.get("/documents/{product}/of/{kind}/{name}")
    def quality(request: Request, product: str, kind: str, name: str, download: int = 0) -> Response:
        options = {option: value for option in OPTIONS if (value := request.query_params.get(option, ""))}
        title = "-".join([product, kind, *(options[key] for key in ("part", "protocol", "entry", "month", "lot") if key in options)][:3])
        return _sent(name, title, download, lambda format_, language: paper(desk.home.product(product), kind, format_, options, language))


def _add_logins(routes: APIRouter, accounts: Accounts, secure: bool) -> None:
    """Who comes and goes."""

    @routes.get("/login")
    def login(request: Request) -> Response:
        return HTMLResponse(_login(language_of(request), wrong=False))

    @routes.post("/login")
    def log_in(request: Request, name: str = Form(""), password: str = Form("")) -> Response:
        token = accounts.log_in(name, password)
        if not token:
            return HTMLResponse(_login(language_of(request), wrong=True), 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
        return answer

    @routes.post("/logout")
    def log_out(request: Request) -> Response:
        accounts.log_out(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer


def language_of(request: Request) -> str:
    """The language that somebody chose, else the first of theirs that the page speaks."""
    chosen = request.cookies.get(LANGUAGE, "")
    wanted = [one.split(";")[0].strip().lower()[:2] for one in request.headers.get("accept-language", "").split(",")]
    return chosen if chosen in LANGUAGES else next((one for one in wanted if one in LANGUAGES), "en")


def _good_heat(inspector: Inspector, name: str) -> bytes | None:
    return heat_of(inspector.model, name, inspector.model.calibration.threshold(inspector.alpha) or 1.0)


def _picture(desk: Desk, key: str, kind: str, where: list[str]) -> tuple[bytes, str]:
    """A picture's bytes and media type.

    Raises:
        Told: there is no such picture.
        BadImage: its file can't be read any more.
    """
    product = desk.home.product(key)
    match kind, where:
        case "good", [name]:
            return file_picture(product.good, name, THUMBNAIL_PX, product.card.white_level), "image/jpeg"
        case "good-heat", [name] if product.settings.model and (heat := _good_heat(desk.inspector(product), name)) is not None:
            return heat, "image/png"
        case "good-photo", [name]:
            return file_picture(product.good, name, VIEW_PX, product.card.white_level), "image/jpeg"
        case (("photo" | "thumbnail"), [lot, name]) if lot in product.lots():
            longest = VIEW_PX if kind == "photo" else THUMBNAIL_PX
            return file_picture(product.folder / "lots" / lot, name, longest, product.card.white_level), "image/jpeg"
        case "heat", [lot, name]:
            return heat_picture(product, lot, name), "image/png"
        case "reference", [digest]:
            return good_picture(desk.inspector(product), digest), "image/jpeg"
    raise Told("no_photo", name=where[-1][:60])


def _sent(name: str, title: str, download: int, make: Callable[[str, str], bytes]) -> Response:
    """A document, or why there is none, by a name like ko.pdf."""
    given, _, format_ = name.partition(".")
    language = given if given in LANGUAGES else "en"
    try:
        data = make(format_, language)
    except SeewhyError as error:
        return Response(problem(error, language), 404, media_type="text/plain")
    shown = "inline" if format_ == "html" and not download else "attachment"
    headers = {
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(f'{title}.{format_}', safe='')}",
        "Content-Security-Policy": REPORT_POLICY,
    }
    return Response(data, media_type=MEDIA.get(format_, "application/octet-stream"), headers=headers)


def _login(language: str, *, wrong: bool) -> str:
    words: dict[str, Any] = {
        key.removeprefix("login."): message for key, message in catalogue(language).items() if key.startswith("login.")
    }
    environment = Environment(loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("login.html.j2").render(
        language=language, words=words, wrong=text("login.wrong", language) if wrong else ""
    )
