"""The colours of all figures: Okabe and Ito, jfly.uni-koeln.de/color; distinct with any vision."""

BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
GREY, INK = "#6A6A6A", "#1A1A1A"
PALE, SAND = "#DCE9F2", "#FBE8C8"
"""Areas behind text."""
