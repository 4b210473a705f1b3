"""What can be found wrong with a page for people who cannot see it, point at it, or hear it.

Names and roles are those that Chromium computes for assistive software; the rest are the rules of
WCAG 2.2 A and AA that a program can decide. Each rule gives sentences; none means none was broken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMED = {
    "button", "link", "textbox", "searchbox", "combobox", "slider", "checkbox", "radio", "listbox",
    "option", "dialog", "img", "image", "region", "navigation", "group", "spinbutton", "switch",
}  # fmt: skip
"""Roles that say nothing without a name (4.1.2, 1.1.1)."""

SCRIPT = (Path(__file__).parent / "accessible.js").read_text(encoding="utf-8")
RULES, CONTRAST, FOCUSED = (
    f"() => ({SCRIPT[SCRIPT.index('({') + 1 : SCRIPT.rindex('})') + 1]}).{name}()"
    for name in ("rules", "contrast", "focused")
)


def broken(page: Page) -> list[str]:
    """Every rule that the page breaks as it is now."""
    found: list[str] = page.evaluate(RULES)
    return [*found, *(f"contrast: {text}" for text in page.evaluate(CONTRAST)), *nameless(page)]


def nameless(page: Page) -> list[str]:
    """What assistive software is told of without a name."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    wrong = []
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        name = node.get("name", {}).get("value", "").strip()
        if not node.get("ignored") and role in NAMED and not name:
            number = node.get("backendDOMNodeId")
            told = session.send("DOM.describeNode", {"backendNodeId": number})["node"]
            wrong.append(f"a {role} has no name: {told['nodeName']} {told.get('attributes')}")
    session.detach()
    return wrong


def walk(page: Page, most: int = 200) -> list[str]:
    """Press Tab until the focus comes round; what had it, in order, and whether that could be seen.

    Raises:
        AssertionError: the focus stays where it is, or never comes round.
    """
    page.evaluate(
        """() => { document.body.tabIndex = -1; document.body.focus();
          document.body.removeAttribute('tabindex'); }"""
    )
    seen: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            return seen
        name, shown = at
        assert shown, f"the focus on {name} cannot be seen"
        if seen and name == seen[0] and len(seen) > 1:
            return seen
        assert not seen or name != seen[-1], f"the focus cannot leave {name}"
        seen.append(name)
    raise AssertionError(f"after {most} presses of Tab the focus has not come round: {seen[-5:]}")
