from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from tests.agent.photos.matrix import Kind, every_kind
from tests.agent.photos.page import PAGE, page

from seewhy.agent.photos.images import decode
from seewhy.errors import BadImage

GROUPS: dict[str, list[Kind]] = defaultdict(list)
for one in every_kind():
    GROUPS[one.group].append(one)
ROUNDED = {"alpha_on_white", "icc_to_srgb"}  # computed in steps that round: one shade


def test_the_matrix_is_large() -> None:
    names = [(kind.group, kind.name) for kinds in GROUPS.values() for kind in kinds]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("group", GROUPS)
def test_equal_pixels_or_a_refusal_never_a_third_thing(group: str) -> None:
    for kind in GROUPS[group]:
        if kind.pixels is None:
            with pytest.raises(BadImage) as caught:
                decode(kind.data, kind.name)
            assert (kind.name, caught.value.code) == (kind.name, kind.code)
            assert caught.value.message and caught.value.remedy
            continue
        photo = decode(kind.data, kind.name, white_level=kind.white_level)
        assert photo.pixels.shape == kind.pixels.shape, kind.name
        apart = np.abs(photo.pixels.astype(int) - kind.pixels).max()
        assert apart <= bool(ROUNDED & set(photo.notes)), (kind.name, apart)
        assert set(kind.notes) <= set(photo.notes), (kind.name, photo.notes)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.agent.photos.page"
