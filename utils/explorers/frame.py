"""How explorers stand in a notebook: widgets where there is a front end for them, a picture else.

Both are put out.  Where widgets run they hide the picture below them; where they don't (a page made
with nbconvert, a PDF, a viewer on the web, an editor without widgets) only the picture is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from utils.explorers.canvas import Drawing

_HIDE_PICTURE = (
    "<style>.jp-OutputArea:has(.course-explorer) > .jp-OutputArea-child:has(> .jp-RenderedImage)"
    "{display:none}</style>"
)

_NAME_SLIDERS = """\
if (!window.slidersHaveNames) {
  let count = 0;
  const name = () => {
    for (const handle of document.querySelectorAll('.noUi-handle:not([aria-labelledby])')) {
      const label = handle.closest('.widget-slider')?.querySelector('label');
      if (!label) continue;
      label.id = label.id || `slider-label-${++count}`;
      handle.setAttribute('aria-labelledby', label.id);
    }
  };
  window.slidersHaveNames = new MutationObserver(name);
  window.slidersHaveNames.observe(document.body, {childList: true, subtree: true});
  name();
}
"""
"""ipywidgets shows a slider's label beside it, but does not tell screen readers whose it is."""

_ALIVE = "In a running notebook you can move things here."
"""What stands in the place of the widgets where they don't run."""


def show(name: str, build: Callable[[], Any] | None, twin: Drawing) -> None:
    """Put out an explorer.

    build: makes the widget; None if this place has no widgets.
    twin: what is shown where widgets don't run; its words are the picture's text.
    """
    words = "\n".join([name, *twin.words])
    try:
        from IPython import display, get_ipython  # not everywhere, and slow to import
    except ImportError:
        print(words)
        return
    if get_ipython() is None:
        print(words)
        return
    if build is not None:
        try:
            bundle = build()._repr_mimebundle_()
            bundle["text/plain"] = _ALIVE
            display.display(bundle, raw=True)
            name_sliders()
        except ImportError:
            print("Install ipywidgets to move things here; the picture stands still.")
    display.display({"image/png": twin.png(), "text/plain": words}, raw=True)


def name_sliders() -> None:
    """Give the handles of all sliders on the page, now and later, their labels as names."""
    from IPython import display, get_ipython  # not everywhere, and slow to import

    if get_ipython() is not None:
        display.display({"application/javascript": _NAME_SLIDERS, "text/plain": ""}, raw=True)


class Screen:
    """The part of an explorer that is drawn anew whenever a control is moved."""

    def __init__(self, draw: Callable[[], Drawing]):
        import ipywidgets  # not everywhere, and the still picture needs none

        self._draw = draw
        self._muted = False
        self.widget = ipywidgets.HTML()
        self.widget.add_class("course-explorer")

    def follow(self, *controls: Any) -> None:
        """Draw anew when the value of one of these changes."""
        for control in controls:
            control.observe(self.refresh, names="value")

    def refresh(self, _: Any = None) -> None:
        """Draw anew."""
        if not self._muted:
            self.widget.value = _HIDE_PICTURE + self._draw().html()

    def quietly(self, change: Callable[[], None]) -> None:
        """Set several controls, and draw once."""
        outer, self._muted = self._muted, True
        try:
            change()
        finally:
            self._muted = outer
        self.refresh()


def slider(label: str, value: int, least: int, most: int, **options: Any) -> Any:
    """An integer slider with its label, moved by mouse or arrow keys."""
    import ipywidgets  # not everywhere, and the still picture needs none

    style = {"description_width": "initial"} | options.pop("style", {})
    layout = ipywidgets.Layout(width=options.pop("width", "215px"))
    return ipywidgets.IntSlider(
        value, min=least, max=most, description=label, style=style, layout=layout, **options
    )


def group(title: str, controls: Sequence[Any]) -> Any:
    """Controls that belong together, below a heading."""
    import ipywidgets  # not everywhere, and the still picture needs none

    heading = ipywidgets.HTML(f"<b>{title}</b>")
    box = ipywidgets.VBox([heading, *controls])
    box.layout.margin = "0 18px 8px 0"
    return box


def wrapping(groups: Sequence[Any]) -> Any:
    """Groups side by side, as many as the page has room for."""
    import ipywidgets  # not everywhere, and the still picture needs none

    return ipywidgets.Box(groups, layout=ipywidgets.Layout(flex_flow="row wrap"))
