"""A line that counts while a cell works for longer than a second."""

from collections.abc import Iterator, Sized

from IPython.display import HTML, DisplayHandle


def counted(items: Sized) -> Iterator:
    """Go through `items`, and say in the cell's output which of them is at work.

    The line is gone once the last one is done: the result takes its place.
    """
    line = DisplayHandle()
    line.display(HTML(""))
    for number, item in enumerate(items, start=1):
        line.update(HTML(f"{number} of {len(items)} …"))
        yield item
    line.update(HTML(""))  # as plain text, even an empty one would keep its height
