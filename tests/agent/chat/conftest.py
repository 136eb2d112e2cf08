"""A workspace with one product that has learned its good photos."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.helpers.photos import ALPHA

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from seewhy.agent.chat.accounts import Person
from seewhy.agent.chat.actions import perform
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.workspace import Home, Settings
from seewhy.card import ProductCard
from seewhy.evals.synthetic.surfaces import defective, good


@pytest.fixture
def home(tmp_path: Path, model_folder: Path, card: ProductCard) -> Home:
    return learned(tmp_path / "w", model_folder, card)


def learned(folder: Path, model_folder: Path, card: ProductCard) -> Home:
    """A workspace with one product that has a model."""
    found = Home.at(folder)
    product = found.new_product(card)
    for i in range(3):
        Image.fromarray(good("plate", i).pixels).save(product.good / f"{i}.png")
    shutil.copytree(model_folder, product.folder / "models" / "001")
    product.save_settings(Settings(model="001", alpha=ALPHA))
    return found


class Asked:
    """Somebody at the page."""

    def __init__(self, home: Home, name: str = "Kim", role: Any = None, language: str = "en") -> None:
        self.home, self.uploads = home, home.folder / ".uploads"
        self.uploads.mkdir(exist_ok=True)
        self.desk = Desk(home)
        self.call = Call(self.desk, Person(name, role), language, self.uploads)

    def __call__(self, action: str, /, **given: Any) -> Any:
        told = perform(self.call, action, given)
        assert "problem" not in told, told["problem"]
        return told["answer"]

    def problem(self, action: str, /, **given: Any) -> str:
        return str(perform(self.call, action, given)["problem"])

    def upload(self, **files: Any) -> list[dict[str, str]]:
        """Photos as they would be uploaded; by name."""
        for name, pixels in files.items():
            Image.fromarray(pixels).save(self.uploads / f"{name}.png")
        return [{"path": str(self.uploads / f"{name}.png"), "name": f"{name}.png"} for name in files]

    def wait(self, product: str = "plate") -> None:
        until = time.monotonic() + 300
        while self.desk.jobs.running(product) is not None:
            assert time.monotonic() < until
            time.sleep(0.05)
        job = self.desk.jobs.last(product)
        assert job is None or job.state == "done", job.problem


@pytest.fixture
def asked(home: Home) -> Asked:
    return Asked(home)


@pytest.fixture
def inspected(asked: Asked) -> Asked:
    inspect_three(asked)
    return asked


def inspect_three(asked: Asked) -> None:
    """A lot of three parts: good, a stain, a scratch."""
    scratch, stain = (defective("plate", kind, seed).pixels for kind, seed in (("scratch", 2), ("stain", 1)))
    asked("add_photos", product="plate", files=asked.upload(good=good("plate", 100).pixels, stain=stain, scratch=scratch), lot="l1")
    asked.wait()
