"""How the parts of an explorer are arranged on the page, and how large their words are."""

from collections.abc import Callable

import ipywidgets as widgets

from helpers.explorers.controls import Steps

PIXELS_PER_INCH = 90  # of the page, at most
LABEL_WIDTH = "112px"
SHORT_LABEL_WIDTH = "56px"
CONTROL_WIDTH = "388px"  # which leaves 180 for the slider itself
STEPS_WIDTH = "324px"  # without the field behind it
COLUMN_WIDTH = "400px"
STYLE_SHEET = """<style>
.course-explorer {--jp-widgets-font-size: 16px}
.course-explorer p {font-size: 18px; line-height: 1.35; max-width: 380px; margin: 0}
.course-explorer .widget-vbox > *, .course-explorer .widget-slider {max-width: calc(100% - 4px)}
.course-game > .widget-html p {font-size: 18px}
.course-setting textarea {resize: none; font-size: 15px; line-height: 1.25}
.course-explorer .widget-readout {
  min-width: 60px; max-width: 60px; border: 1px solid var(--jp-ui-font-color2);
}
.course-lost {display: flex; gap: 12px; padding: 8px; border: 3px solid #a00; margin-bottom: 8px}
.course-live .course-lost p {max-width: none; flex: 1}
.course-lost button {width: auto}
/* the page for a hall, game included */
body:has(.course-live) :is(.course-explorer, .course-game) button {
  font-size: 20px; height: 40px; line-height: 40px;
}
body:has(.course-live) .course-presets button {padding: 0 6px}
body:has(.course-live) :is(.course-explorer, .course-game, .jp-MarkdownOutput) p {font-size: 22px}
body:has(.course-live) .jp-MarkdownOutput p {line-height: 1.35}
body:has(.course-live) .course-explorer p.course-long {font-size: 18px; line-height: 1.3}
body:has(.course-live) .course-explorer img {max-width: 800px !important}
@media (min-width: 1000px) {  /* side by side: the rows below stay where they are */
  body:has(.course-live) .course-column {height: 552px; overflow-y: auto}
}
@media (min-width: 1000px) and (max-width: 1139px) {  /* an old projector: no row breaks in two */
  body:has(.course-live) :is(.course-live, .course-game) {zoom: 0.9}
}
@media (min-width: 1700px) and (min-height: 950px) {  /* the whole of a large screen */
  body:has(.course-live) :is(.course-live, .course-game) {zoom: 1.42}
}
</style>"""


def button(description: str, icon: str = "", on_click: Callable | None = None) -> widgets.Button:
    """Make a button as wide as its words; ``on_click()`` is called without arguments."""
    made = widgets.Button(description=description, icon=icon, tooltip=description)
    made.layout.width = "auto"
    if on_click is not None:
        made.on_click(lambda _: on_click())
    return made


def preset_buttons(presets: dict[str, dict], press: Callable) -> dict[str, widgets.Button]:
    """Make a button for each preset, which calls ``press(**values)``."""
    made = {}
    for label, values in presets.items():
        made[label] = button(label, on_click=lambda values=values: press(**values))
        made[label].tooltip = f"Sets {', '.join(values)}; all else stays"
    return made


def picture(size: tuple[float, float]) -> widgets.Image:
    """Make the place of a picture of so many inches; it shrinks with the page."""
    width = f"{PIXELS_PER_INCH * size[0]:.0f}px"
    layout = widgets.Layout(flex="1 1 420px", max_width=width, height="auto")
    layout.min_width = "min(250px, 100% - 4px)"  # less its margins
    return widgets.Image(format="png", tooltip="", layout=layout)


def text_lines(description: str) -> widgets.Textarea:
    """Make two lines of text as wide as the page, which count once Enter is pressed (page.js)."""
    lines = widgets.Textarea(
        description=description, continuous_update=False, tooltip=description, rows=2
    )
    lines.layout.flex = "1 1 250px"
    lines.layout.max_width = "calc(100% - 4px)"  # its margins
    lines.layout.height = "auto"
    lines.style.description_width = SHORT_LABEL_WIDTH
    return lines


def text_row(lines) -> widgets.HBox:
    """Put the button beside a setting that copies it; the page's helper listens to it."""
    lines.add_class("course-setting")
    copy = button("Copy", "copy")
    copy.add_class("course-copy")
    return widgets.HBox([lines, copy], layout=_row())


def words(html: str = "") -> widgets.HTML:
    """Make a place for words; without the empty tooltip it would say "null"."""
    return widgets.HTML(html, tooltip="")


def top_row(presets, buttons, page) -> widgets.HBox:
    """Arrange the buttons; the style sheet and the page's helper come with them."""
    left = widgets.HBox(list(presets), layout=_row())
    left.add_class("course-presets")
    return widgets.HBox([left, *buttons, words(STYLE_SHEET), page], layout=_row())


def middle_row(controls, sentence, image) -> widgets.HBox:
    """Arrange the controls over the sentence, and the picture beside them."""
    for control in controls.values():
        _set_width(control)
    column = widgets.VBox([*controls.values(), sentence])
    column.add_class("course-column")
    column.layout.flex = f"0 1 {COLUMN_WIDTH}"
    column.layout.max_width = "100%"  # of a phone
    return widgets.HBox([column, image], layout=_row())


def _set_width(control):
    if isinstance(control, Steps):
        control.slider.style.description_width = LABEL_WIDTH
        control.slider.layout.width = STEPS_WIDTH
        control.slider.layout.min_width = "0px"
        control.slider.layout.flex = "0 1 auto"
        return
    control.layout.width = CONTROL_WIDTH
    if not isinstance(control, widgets.Button):
        control.style.description_width = LABEL_WIDTH


def _row():
    """Parts side by side, and below each other where the page is narrow."""
    return widgets.Layout(flex_flow="row wrap", align_items="flex-start")
