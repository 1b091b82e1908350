"""Every trick of the fast recipe as a switch, and the settings that were measured.

What each of them gains stands in docs/fast_training.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How to train; the numbers were chosen on validation images of CIFAR-10."""

    sizes: tuple[int, ...] = 8 * (32,)
    """Height and width to which images are shrunk, epoch by epoch.  On small images the net learns
    the coarse things for less; the last epochs must have the full size."""
    batch: int = 500
    classes: int = 10
    widths: tuple[int, ...] = (64, 128, 256)
    """Filters of the convolutions in each block; multiples of 32, which processors like best."""

    # what makes an image cheaper
    bfloat16: bool = False
    """Compute in 16 bits, keep the weights in 32: pays where the processor multiplies them."""
    fused: bool = True
    """Normalise in one kernel instead of step by step."""
    pool_early: bool = True
    """Pool straight after a block's first convolution: what follows sees a quarter."""

    # what makes an image teach more
    whitening: bool = True
    """The first layer is computed from the images' statistics, and not trained."""
    identity: bool = True
    """Convolutions begin by handing their input on."""
    muon: bool = True
    """Kernels are changed by Muon; else by gradient descent."""
    falling: bool = True
    """The rate falls to zero; else it stays."""
    smoothing: float = 0.2
    """So much of each label is spread over all classes."""
    shift: int = 2
    mirror: str = "alternating"
    """How images are moved and turned in training: see fast_images.Stream."""

    # rates
    kernel_rate: float = 0.24
    descent_rate: float = 1.5e-3
    """For kernels without Muon; this and the next two are for the sum of the losses of a batch."""
    head_rate: float = 0.67
    offset_rate: float = 0.053
    decay: float = 2e-6
    """Weight decay of head and offsets, for each example of a batch."""
    kernel_momentum: float = 0.6
    momentum: float = 0.85


def multiplies_bfloat16(listing: Path = Path("/proc/cpuinfo")) -> bool:
    """Does this processor multiply 16-bit floats faster than 32-bit ones?  Where that can't be
    found out, no: bfloat16 in software is slower than float32."""
    try:
        text = listing.read_text()
    except OSError:
        return False
    known = {"avx512_bf16", "amx_bf16", "bf16"}
    lines = (x for x in text.splitlines() if x.lower().startswith(("flags", "features")))
    return any(known & set(line.split()) for line in lines)


BFLOAT16 = multiplies_bfloat16()

TO_85 = Recipe(bfloat16=BFLOAT16, sizes=(24, 32, 32))
"""85 % and more of CIFAR-10's test images, trained on all 50,000."""

TO_90 = Recipe(
    bfloat16=BFLOAT16,
    sizes=(*4 * (24,), *4 * (28,), *4 * (32,)),
    kernel_rate=0.1,
    smoothing=0.1,
)
"""90 % with six copies of each test image.  More epochs want smaller steps and firmer labels."""

FOR_DIGITS = Recipe(
    bfloat16=BFLOAT16,
    sizes=(24, 24, 32, 32, 32, 32),
    batch=250,
    widths=(32, 64, 128),
    mirror="never",
)
"""For PhotoDigits, where a mirrored 2 is no 2, and fewer images make more epochs affordable."""

PLAIN = Recipe(
    sizes=(32, 32, 32),
    widths=(32, 64, 128),
    fused=False,
    pool_early=False,
    whitening=False,
    identity=False,
    muon=False,
    falling=False,
    smoothing=0.0,
    shift=0,
    mirror="never",
)
"""The same net, and none of the tricks."""

LADDER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("none of the tricks", {}),
    ("compute in bfloat16", {"bfloat16": BFLOAT16}),
    ("normalise in one kernel", {"fused": True}),
    ("pool early", {"pool_early": True}),
    ("a rate that falls to zero", {"falling": True}),
    ("whitened patches", {"whitening": True}),
    ("begin as the identity", {"identity": True}),
    ("Muon for the kernels", {"muon": True}),
    ("smooth the labels", {"smoothing": 0.2}),
    ("shift by up to 2 pixels", {"shift": 2}),
    ("mirror in every second epoch", {"mirror": "alternating"}),
    ("small images first", {"sizes": (24, 32, 32)}),
)
"""The tricks in the order in which docs/fast_training.md switches them on, each on top of all
before it."""
