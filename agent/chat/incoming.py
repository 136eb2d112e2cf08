"""A folder of each product whose new files are inspected as they come: `products/KEY/incoming`.

A file is taken once it no longer grows and is a whole photo. What is taken leaves the folder, and a lot that waits for its inspection is
noted on the disk: nothing is lost, and nothing is inspected twice, when the server ends in between.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.uploads import Upload, safe_name, take
from seewhy.agent.chat.workspace import ProductFolder, photos_in
from seewhy.disk import write_file
from seewhy.errors import SeewhyError

LOG = logging.getLogger("seewhy.chat")
EVERY_S = 1.0  # between two looks
PATIENCE_S = 30.0  # that a file which is no whole photo may take to become one
PENDING = ".lot"  # names the lot that waits for its inspection


class Incoming:
    """Looks into the folders of all products.

    Args:
        desk: the workspace at work.
        patience_s: see `PATIENCE_S`.
    """

    def __init__(self, desk: Desk, patience_s: float = PATIENCE_S) -> None:
        self._desk, self._patience_s, self._end = desk, patience_s, threading.Event()
        self._seen = dict[Path, tuple[tuple[int, int], float]]()  # size and time of change, and since when they stand
        self._thread = threading.Thread(target=self._watch, name="seewhy incoming", daemon=True)

    def start(self) -> None:
        """Look again and again, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def look(self) -> None:
        """Take what is whole, of each product that has learned something, and inspect it."""
        for product in self._desk.home.products():
            folder = product.incoming
            folder.mkdir(exist_ok=True)
            if product.settings.model:
                self._take(product, folder)
                self._inspect(product, folder / PENDING)

    def _watch(self) -> None:
        while not self._end.wait(EVERY_S):
            try:
                self.look()
            except (SeewhyError, OSError) as error:  # a full disk, a folder that is gone for a while: the next look may do
                LOG.warning("the folders of new photos can't be read now: %s", error)
            except Exception:  # nobody else would hear of it, and nothing would be looked at any more
                LOG.exception("the folders of new photos could not be looked at")

    def _take(self, product: ProductFolder, folder: Path) -> None:
        still = [path for path in photos_in(folder) if self._stands(path)]
        if not still or self._desk.jobs.running(product.key) is not None:
            return
        lot = self._desk.lot_for_now(product)
        for path in still:
            taken = take([Upload(path, path.name)], product.lot(lot))
            if not taken.refused:
                write_file(folder / PENDING, lot.encode())
                path.unlink()
            elif time.monotonic() - self._seen[path][1] >= self._patience_s:
                aside = folder / "refused"
                aside.mkdir(exist_ok=True)
                path.replace(aside / safe_name(path.name))

    def _stands(self, path: Path) -> bool:
        """Whether a file is as it was at the last look."""
        found = path.stat()
        stamp = found.st_size, found.st_mtime_ns
        known = self._seen.get(path)
        if known is None or known[0] != stamp:
            self._seen[path] = stamp, time.monotonic()
            return False
        return True

    def _inspect(self, product: ProductFolder, pending: Path) -> None:
        """Inspect the lot that waits, unless somebody stopped it."""
        if not pending.is_file() or self._desk.jobs.running(product.key) is not None:
            return
        lot, last = pending.read_text("utf-8"), self._desk.jobs.last(product.key)
        stopped = last is not None and last.about == lot and last.state in ("stopped", "failed")
        known = {item.name for item in self._desk.index(product).items(lot)}
        if stopped or lot not in product.lots() or all(path.name in known for path in photos_in(product.lot(lot))):
            pending.unlink()
            return
        try:
            self._desk.inspect(product, lot)
        except Told as busy:  # somebody was quicker
            LOG.info("%s", busy)
