"""What the tests of accessibility ask of a page: axe-core, contrast, sizes, what sticks out."""

from axe_playwright_python.base import AXE_SCRIPT

# What is there to be used, in an explorer; a part that isn't shown has no offsetParent.
PARTS = ":is(button, select, input, textarea, .noUi-handle, .widget-readout)"
SHOWN = f"""[...document.querySelectorAll('.course-explorer {PARTS}')]
    .filter(part => part.offsetParent)"""

# The ratio of WCAG 2.2 between a colour and what lies behind its part, both made opaque.
CONTRAST = """(() => {
    const parse = color => {
        const numbers = color.match(/[\\d.]+/g).map(Number);
        return numbers.length > 3 ? numbers : [...numbers, 1];
    };
    const over = (front, back) =>
        [0, 1, 2].map(k => front[k] * front[3] + back[k] * (1 - front[3])).concat(1);
    const luminance = color => {
        const [r, g, b] = color.slice(0, 3).map(value => value / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = part => {
        const layers = [];
        for (let node = part; node && (layers.at(-1)?.[3] ?? 0) < 1; node = node.parentElement) {
            layers.push(parse(getComputedStyle(node).backgroundColor));
        }
        return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
    };
    return (part, property, ground) => {
        const back = behind(ground);
        const colors = [over(parse(getComputedStyle(part)[property]), back), back].map(luminance);
        return (Math.max(...colors) + 0.05) / (Math.min(...colors) + 0.05);
    };
})()"""
# selector, property of its colour, how far up its ground is, least ratio
MUST_STAND_OUT = [
    (".noUi-handle", "backgroundColor", ".slider-container", 3),
    (".noUi-connects", "backgroundColor", ".slider-container", 3),
    (".widget-readout", "borderTopColor", ".widget-slider", 3),
    ("input[type=text]", "borderTopColor", ".widget-text", 3),
    ("textarea", "borderTopColor", ".widget-textarea", 3),
    ("select", "borderTopColor", ".widget-dropdown", 3),
    ("select", "color", "select", 4.5),  # axe leaves it out, for the picture of its arrow
]


def complaints(page, within=None):
    """Let axe-core judge the page, or what lies within a selector: a line for each finding."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        "within => axe.run(within ?? document, {resultTypes: ['violations']})", within
    )
    assert found["passes"], "axe found nothing to judge"
    return [
        f"{rule['id']}: {node['target']} {node['html'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def pale(page):
    """List the parts of explorers that stand out too little, with their ratios."""
    found = page.evaluate(
        f"""asked => asked.flatMap(([selector, property, ground, least]) =>
            [...document.querySelectorAll(`.course-explorer ${{selector}}`)]
                .filter(part => part.offsetParent)
                .map(part => [selector, {CONTRAST}(part, property, part.closest(ground))])
                .filter(([, ratio]) => !(ratio >= least)))""",
        MUST_STAND_OUT,
    )
    return [f"{selector}: {ratio:.2f}" for selector, ratio in found]


def small(page):
    """List the parts of explorers that are less than 24 pixels wide or high."""
    return page.evaluate(
        SHOWN
        + """.map(part => [part.className || part.tagName, part.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24)
            .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )


def nameless(page):
    """List the parts of explorers that a screen reader has no name for, or a slider no value."""
    return page.evaluate(
        SHOWN
        + """.filter(part => {
            const name = part.getAttribute('aria-label') || part.textContent.trim();
            const labels = [...(part.labels ?? [])].map(label => label.textContent).join('');
            const value = part.matches('.noUi-handle') ? part.ariaValueText : 'any';
            return !(part.tagName === 'BUTTON' || part.ariaLabel ? name : labels) || !value;
        }).map(part => part.outerHTML.slice(0, 200))"""
    )


def cut(page):
    """List the parts of explorers that don't fit beside or within what they stand in."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.course-explorer, .course-game > .widget-hbox')]
            .flatMap(home => {
                const room = home.getBoundingClientRect();
                const right = Math.min(room.right, innerWidth) + 1;
                return [...home.querySelectorAll(`img, p, label, PARTS`)].filter(part => {
                    const box = part.getBoundingClientRect();
                    const written = part.tagName === 'INPUT' ? 0 : part.scrollWidth;
                    return part.offsetParent && (box.left < room.left - 1 || box.right > right
                        || written > part.clientWidth + 1);
                });
            }).map(part => part.outerHTML.slice(0, 200))""".replace("PARTS", PARTS)
    )
