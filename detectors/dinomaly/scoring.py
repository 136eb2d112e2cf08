"""What Dinomaly makes of a photo, as one network of torch: it is run as it is, or written down for OpenVINO."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seewhy.detectors.dinomaly.net import Restorer, cell_map, paper_map
from seewhy.detectors.dinomaly.tokens import TokenEncoder


class Scoring(nn.Module):
    """From a photo's pixels to its map.

    Args:
        encoder: frozen.
        net: a trained decoder, on the encoder's device.
        standard: means and deviations of the encoder's channels, (groups, dim) each; None where they are taken as they come.
        dtype: of the decoder's arithmetic.
    """

    def __init__(
        self, encoder: TokenEncoder, net: Restorer, standard: tuple[Tensor, Tensor] | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self._encoder, self.net, self._dtype = encoder, net, dtype
        self._standard = standard

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at one photo (1, side, side, 3), uint8 in RGB, of the network's size.

        Returns:
            (MAP_SIDE, MAP_SIDE) the paper's map, (1,) its score, the mean of the map's top 1 %, and (D,) what the photo is as a whole, of
            length 1; float32.
        """
        seen = self._encoder.see(photo.permute(0, 3, 1, 2).float() / 255)
        maps = seen.maps
        if self._standard is not None:
            maps = [(m - middle) / spread for m, middle, spread in zip(maps, *self._standard, strict=True)]
        restored = self.net([m.to(self._dtype) for m in maps])
        before = self._encoder.prefix
        cells = cell_map([m[:, before:] for m in maps], [r[:, before:].float() for r in restored], seen.grid)
        smooth, score = paper_map(cells, (int(photo.shape[1]), int(photo.shape[2])))
        return smooth[0], score, functional.normalize(seen.whole, dim=1)[0]
