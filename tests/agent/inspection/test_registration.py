from __future__ import annotations

import numpy as np
import pytest
from tests.helpers.photos import noise

from seewhy.agent.inspection.registration import registered
from seewhy.detectors.template.align import roughly
from seewhy.evals.synthetic.surfaces import good


@pytest.mark.parametrize(("height", "width"), [(16, 4096), (4096, 16), (8, 20_000), (16, 16), (9, 300)])
def test_strips_are_laid_over_or_left_as_they_are(height: int, width: int) -> None:
    photo = noise(height, width)
    assert registered(noise(64, 64, seed=1), photo).shape == photo.shape
    assert roughly(photo[..., 0], photo[..., 0], 256) > 0.9


def test_a_good_photo_is_shifted_onto_the_part() -> None:
    part = good("plate", 3).pixels
    moved = np.roll(part, (6, 10), (0, 1))
    assert np.abs(registered(part, moved).astype(int) - moved).mean() < 0.6 * np.abs(part.astype(int) - moved).mean()
