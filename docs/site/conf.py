"""Sphinx's settings for the lessons as pages; build_site.py calls Sphinx."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for the slugs below

project = "Vanishing gradients"
html_title = "Vanishing gradients"
copyright = "the course's authors: text CC BY 4.0, code MIT"
extensions = ["myst_nb"]
html_theme = "furo"
# build_site.py writes these and says where they are.
html_css_files = ["question.css", "course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_theme_options = {
    "announcement": "Predictions answer here. Explorers and exercises come to life in "
    '<a href="index.html#run-it">JupyterLab</a>.',
}
html_use_index = False  # of a program's names: there are none
html_show_sourcelink = False
html_copy_source = False  # a second copy of each notebook
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# The notebooks have run (run_notebooks.py), and hold no widgets any more (page_cells.py).
nb_execution_mode = "off"
nb_ipywidgets_js = {}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "page_cells.slug"
nb_merge_streams = True

# From the site itself. The menu would fetch parts that aren't there.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}
