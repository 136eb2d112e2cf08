"""The workspace: one folder of products, their photos, models and ledgers::

    WORKSPACE/
        accounts.json                 who may log in (`seewhy.agent.chat.accounts`)
        products/KEY/
            card.yaml  policy.yaml    as every other door reads them
            settings.json             which model speaks, and the lines that were adopted
            good/  aside/             good photos; those that somebody took out again
            lots/LOT/                 photos as they were dropped
            incoming/                 what is put here is inspected as it comes (`seewhy.agent.chat.incoming`)
            models/001 …              every model that was ever learned
            ledger.sqlite  conversation.jsonl

All that the page knows is here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from seewhy.agent.chat.problems import Told
from seewhy.agent.inspection.terms import DEFAULT_ALPHA, DEFAULT_REVIEW
from seewhy.card import ProductCard, load_card
from seewhy.disk import write_file
from seewhy.errors import BadData
from seewhy.record import Saved
from seewhy.types import Place

LONGEST_KEY = 60  # characters of a folder's name
UNSAFE = re.compile(r"[^\w-]+")


class Settings(Saved):
    """What holds for a product besides its card: the model that speaks, and the lines that were adopted."""

    schema_version: str = "1"
    model: str = ""  # name of its folder; empty until one is learned
    alpha: float = Field(default=DEFAULT_ALPHA, gt=0, lt=1)
    review: float = Field(default=DEFAULT_REVIEW, ge=0, lt=1)


@dataclass(frozen=True, slots=True)
class ProductFolder:
    """One product of a workspace, read from the disk each time."""

    folder: Path

    @property
    def key(self) -> str:
        """The folder's name, by which the page asks for it."""
        return self.folder.name

    @property
    def card(self) -> ProductCard:
        """The product card."""
        return load_card(self.folder / "card.yaml")

    @property
    def policy(self) -> Path | None:
        """The product's own policy, where somebody wrote one."""
        path = self.folder / "policy.yaml"
        return path if path.is_file() else None

    @property
    def settings(self) -> Settings:
        """As they were saved last.

        Raises:
            BadData: the file was changed by hand and doesn't fit.
        """
        path = self.folder / "settings.json"
        if not path.is_file():
            return Settings()
        try:
            return Settings.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise BadData(f"{path} can't be read: {error.errors()[0]['msg']}; delete it to begin with the defaults") from error

    @property
    def good(self) -> Path:
        """Folder of good photos."""
        return self.folder / "good"

    @property
    def aside(self) -> Path:
        """Folder of good photos that somebody took out again."""
        return self.folder / "aside"

    @property
    def incoming(self) -> Path:
        """Folder whose new files are inspected as they come."""
        return self.folder / "incoming"

    @property
    def ledger(self) -> Path:
        """The product's ledger."""
        return self.folder / "ledger.sqlite"

    @property
    def model(self) -> Path | None:
        """Folder of the model that speaks; None until one is learned."""
        name = self.settings.model
        path = self.folder / "models" / name
        return path if name and path.is_dir() else None

    def save_card(self, card: ProductCard) -> None:
        """Write the card, whole or not at all."""
        write_file(self.folder / "card.yaml", card_text(card).encode())

    def save_settings(self, settings: Settings) -> None:
        """Write the settings, likewise."""
        write_file(self.folder / "settings.json", settings.model_dump_json(indent=1).encode())

    def good_photos(self) -> list[Path]:
        """Good photos, in the order of their names."""
        return photos_in(self.good)

    def lots(self) -> list[str]:
        """Names of the lots, the latest first."""
        folder = self.folder / "lots"
        return sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True) if folder.is_dir() else []

    def lot(self, name: str) -> Path:
        """Folder of a lot, made where it isn't there.

        Raises:
            BadData: it can't be a lot's name.
        """
        if name != key_of(name):
            raise Told("lot_name", name=name[:60])
        path = self.folder / "lots" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def next_model(self) -> Path:
        """Folder of the next model to be learned: models are numbered and none takes another's place."""
        folder = self.folder / "models"
        folder.mkdir(exist_ok=True)
        used = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
        return folder / f"{max(used, default=0) + 1:03}"

    def models(self) -> list[str]:
        """Names of the models that were learned, in order."""
        folder = self.folder / "models"
        return sorted(path.name for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []


@dataclass(frozen=True, slots=True)
class Home:
    """A workspace."""

    folder: Path

    @classmethod
    def at(cls, folder: Place) -> Home:
        """The workspace at a place, begun where there is none.

        Raises:
            BadData: a file stands there.
        """
        path = Path(folder).resolve()
        if path.exists() and not path.is_dir():
            raise BadData(f"{folder} is a file; give a folder for the workspace")
        (path / "products").mkdir(parents=True, exist_ok=True)
        return cls(path)

    def products(self) -> list[ProductFolder]:
        """All products, by name."""
        found = (path for path in (self.folder / "products").iterdir() if not path.is_symlink())
        return [ProductFolder(path) for path in sorted(found) if (path / "card.yaml").is_file()]

    def product(self, key: str) -> ProductFolder:
        """One of the products: found among those that are there, never by a path that was given.

        Raises:
            BadData: none of them has that key.
        """
        found = next((one for one in self.products() if one.key == key), None)
        if found is None:
            raise Told("no_product", key=key[:60])
        return found

    def new_product(self, card: ProductCard) -> ProductFolder:
        """Begin a product; its folder is called after it."""
        key, number = key_of(card.name), 1
        while True:
            product = ProductFolder(self.folder / "products" / (key if number == 1 else f"{key}-{number}"))
            try:
                product.folder.mkdir()
            except FileExistsError:
                number += 1
                continue
            product.good.mkdir()
            product.save_card(card)
            return product


def key_of(name: str) -> str:
    """A name as a folder's: letters and digits of any language, hyphens; nothing that leads anywhere.

    >>> key_of("Aluminium bracket, v2"), key_of("브래킷 2호"), key_of("../../etc"), key_of("...")
    ('aluminium-bracket-v2', '브래킷-2호', 'etc', 'product')
    """
    return UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip("-_").lower()[:LONGEST_KEY].strip("-_") or "product"


def card_text(card: ProductCard) -> str:
    """A card as YAML that people can read and `load_card` reads back."""
    fields = card.model_dump(mode="json", exclude_defaults=True) | {"name": card.name}
    text: str = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)
    return text


def photos_in(folder: Path) -> list[Path]:
    """The photos of a folder, hidden files left out."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")) if folder.is_dir() else []
