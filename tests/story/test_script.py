from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.errors import BadSetting
from filmgate.story import fountain, script
from filmgate.story.elements import heading
from filmgate.story.script import Script

PLAY = """Title: _Two Rooms_
Author: Somebody

FADE IN:

INT. HOUSE - KITCHEN - MORNING #1#

[[wardrobe: MAYA jacket=navy, trousers="dark grey"]]

MAYA pours coffee. [[slowly!]]

MAYA (V.O.)
(tired)
I like to
write.

/* cut for now:
EXT. MOON - DAY
*/

EXT. STREET - CONTINUOUS

Rain. [[lighting: key_side=left cct_k=5600]]
[[wardrobe: MAYA jacket=#aa0000]]
Tom runs past Maya.

> THE END <

CUT TO:
"""


def read(tmp_path: Path, text: str, name: str = "a.fountain", *known: str) -> Script:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return script.read(path, known)


def test_scenes_people_places_times_and_lines(tmp_path: Path) -> None:
    found = read(tmp_path, PLAY, "a.fountain", "Tom")
    assert found.title == "Two Rooms"
    kitchen, street = found.scenes
    assert (kitchen.number, kitchen.inside, kitchen.place) == ("1", "int", "HOUSE - KITCHEN")
    assert (kitchen.time_of_day, kitchen.line) == ("morning", 6)
    assert [(b.kind, b.line, b.text) for b in kitchen.blocks] == [
        ("action", 10, "MAYA pours coffee."), ("dialogue", 12, "I like to write."),
    ]  # fmt: skip
    assert kitchen.blocks[1].character == "MAYA"
    assert not kitchen.blocks[1].seen
    assert kitchen.blocks[1].last_line == 15
    # "continuous" is the time of the scene before; what is in the boneyard is not there.
    assert (street.number, street.inside, street.time_of_day) == ("1.1", "ext", "morning")
    assert street.characters == ("Tom", "MAYA")
    assert [b.kind for b in street.blocks] == ["action", "title", "transition"]
    assert found.lines[10].startswith("MAYA pours")


def test_notes_declare_with_their_lines(tmp_path: Path) -> None:
    found = read(tmp_path, PLAY)
    assert [(d.path, d.value, d.line) for d in found.declared] == [
        ("wardrobe/maya/jacket", "navy", 8),
        ("wardrobe/maya/trousers", "dark grey", 8),
        ("lighting/key_side", "left", 23),
        ("lighting/cct_k", 5600.0, 23),
        ("wardrobe/maya/jacket", "#aa0000", 24),
    ]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_numbers_do_not_depend_on_line_ends(tmp_path: Path, end: str) -> None:
    one, two = read(tmp_path, PLAY), read(tmp_path, PLAY.replace("\n", end), "b.fountain")
    assert [b.line for s in one.scenes for b in s.blocks] == [
        b.line for s in two.scenes for b in s.blocks
    ]
    assert two.lines[10] == one.lines[10]


@pytest.mark.parametrize(
    ("note", "part"),
    [
        ("wardrobe: MAYA jacket=nvy", "'nvy' is not a colour (write #1b2a4a or a name such as "
         "navy). Did you mean 'navy'?"),
        ("wardrobe: jacket=navy", "write whose wardrobe"),
        ("wardrobe: MAYA jacket=", "is written as name=value"),
        ("wardrobe: MAYA jacket navy, trousers=black", "write whose wardrobe"),
        ("wardrobe: MAYA jacket=navy trousers", "is not a colour"),
        ("lighting: cct_k=warm", "'lighting/cct_k' must be a number, not 'warm'"),
        ("wardrob: MAYA jacket=navy", "declares nothing. Did you mean 'wardrobe'?"),
    ],
)  # fmt: skip
def test_a_note_that_cannot_be_right_is_one_sentence(tmp_path: Path, note: str, part: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(tmp_path, f"INT. A - DAY\n\nHe waits.\n\n[[{note}]]\n")
    assert str(caught.value).startswith(f"{tmp_path / 'a.fountain'} line 5: ")
    assert part in str(caught.value)


def test_remarks_are_left_alone_and_half_declarations_are_told(tmp_path: Path) -> None:
    found = read(
        tmp_path, "A.\n\n[[ask Ana: is x=3?]]\n\n[[sound: needs work]]\n\n[[query: b=c]]\n"
    )
    assert found.declared == ()
    assert found.unread == ((5, "sound: needs work"),)


@pytest.mark.parametrize(
    ("text", "inside", "place", "time"),
    [
        ("INT. HOUSE - DAY", "int", "HOUSE", "day"),
        ("INT HOUSE DAY", "int", "HOUSE", "day"),
        ("EXT. HOUSE — NIGHT", "ext", "HOUSE", "night"),
        ("INT./EXT. CAR - MOVING - MAGIC HOUR", "int/ext", "CAR - MOVING", "magic hour"),
        ("I./E. HOUSE - DAY", "int/ext", "HOUSE", "day"),
        ("INT. HOUSE - DAY - FLASHBACK (1944)", "int", "HOUSE", "day"),
        ("INT. HOUSE - DAY (1979)", "int", "HOUSE", "day"),
        ("INT. DAY CARE", "int", "DAY CARE", ""),
        ("INT. DAY", "int", "DAY", ""),
        ("EST BUCKET LIST", "ext", "BUCKET LIST", ""),
        ("KITCHEN", "", "KITCHEN", ""),
        ("", "", "", ""),
    ],
)
def test_a_heading_is_taken_apart(text: str, inside: str, place: str, time: str) -> None:
    found = heading(text)
    assert (found.inside, found.place, found.time_of_day) == (inside, place, time)


def test_a_heading_without_a_blank_line_after_it_is_no_cue(tmp_path: Path) -> None:
    found = read(tmp_path, "INT. HALL - NIGHT\nA man waits.\n\nFADE OUT.\n")
    (hall,) = found.scenes
    assert [(b.kind, b.text) for b in hall.blocks] == [
        ("action", "A man waits."), ("transition", "FADE OUT."),
    ]  # fmt: skip


def test_a_first_line_with_a_colon_is_a_heading_all_the_same(tmp_path: Path) -> None:
    found = read(tmp_path, "INT. HOUSE: KITCHEN - DAY\n\nHe waits.\n")
    assert [s.place for s in found.scenes] == ["HOUSE: KITCHEN"]


def test_the_same_script_from_both_formats(shared: Path) -> None:
    """Two writers' files of one script: scenes, people and words agree."""
    folder = shared / "scripts" / "screenplay_tools" / "tests"

    def told(name: str) -> list[object]:
        return [
            (s.number, s.inside, s.place, s.time_of_day, s.characters,
             [(b.kind, b.text, b.character, b.seen) for b in s.blocks])
            for s in script.read(folder / name).scenes
        ]  # fmt: skip

    assert told("TestFDX-FD.fdx") == told("TestFDX-FD.fountain") == told("TestFDX-FI.fdx")


def test_every_shared_script_parses_or_fails_in_one_sentence(shared: Path) -> None:
    files = [p for p in sorted((shared / "scripts").rglob("*")) if p.is_file()]
    scripts = [p for p in files if p.suffix in (".fountain", ".fdx")]
    assert len(scripts) >= 43
    for path in {*files} - {*scripts}:
        if path.suffix != ".txt":
            with pytest.raises(BadSetting, match="is not a script: write Fountain"):
                script.read(path)
    for path in scripts:
        found = script.read(path)
        for scene in found.scenes:
            for block in scene.blocks:
                # What is said to stand on a line does: its first word is there.
                first = (block.character or block.text).split()[0].strip("~@").casefold()
                line = found.lines[block.line].casefold().translate(str.maketrans("", "", "*_\\"))
                words = first.translate(str.maketrans("", "", "*_\\"))
                assert path.suffix == ".fdx" or words in line, (path.name, block)


def test_numbers_are_unique_in_every_shared_script(shared: Path) -> None:
    for path in sorted((shared / "scripts").rglob("*.fountain")):
        numbers = [s.number for s in script.read(path).scenes]
        assert len(set(numbers)) == len(numbers), path.name


# -------------------------------------------------------------------------- Final Draft


def fdx(*paragraphs: tuple[str, str], head: str = "", extra: str = "") -> str:
    body = "\n".join(
        f'<Paragraph Type="{kind}"><Text>{escape(text)}</Text></Paragraph>'
        for kind, text in paragraphs
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<FinalDraft DocumentType="Script">\n'
        f"<Content>\n{body}\n{extra}</Content></FinalDraft>\n"
    )


def test_final_draft_paragraphs_and_notes(tmp_path: Path) -> None:
    text = fdx(
        ("Scene Heading", "INT. HALL - NIGHT"),
        ("Action", "Maya & Tom wait. [[wardrobe: MAYA jacket=navy]]"),
        ("Character", "MAYA (CONT'D)"),
        ("Parenthetical", "(low)"),
        ("Dialogue", "Now."),
        ("Dialogue", "Go."),
        ("Transition", "CUT TO:"),
        extra="<ScriptNote><Paragraph><Text>wardrobe: TOM coat=black</Text></Paragraph>"
        "</ScriptNote>",
    )
    (hall,) = (found := read(tmp_path, text, "a.fdx", "Tom")).scenes
    assert [(b.kind, b.line, b.text) for b in hall.blocks] == [
        ("action", 5, "Maya & Tom wait."), ("dialogue", 6, "Now. Go."),
        ("transition", 10, "CUT TO:"),
    ]  # fmt: skip
    assert hall.characters == ("MAYA", "Tom")
    assert [(d.path, d.line) for d in found.declared] == [
        ("wardrobe/maya/jacket", 5), ("wardrobe/tom/coat", 11),
    ]  # fmt: skip


BOMB = "<!DOCTYPE b [<!ENTITY a 'x'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (fdx(("Action", "x"), head=BOMB + "]>\n").replace("<Text>x", "<Text>&j;"),
         "line 2: declares the XML entity 'a'"),
        (fdx(("Action", "x"), head='<!DOCTYPE b [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n'),
         "declares the XML entity 'e'"),
        (fdx(("Action", "x"), head='<!DOCTYPE b [<!ENTITY % p SYSTEM "http://x/y">%p;]>\n'),
         "declares the XML entity 'p'"),
        (fdx(("Action", "x")).replace("</Text>", ""), "line 4: is not XML"),
        ("<Final", "is not XML"),
        ("", "is not XML"),
        ("<html/>", "is not a Final Draft document: its outermost element is <html>"),
        ("<FinalDraft>" + "<a>" * 100, "nested more than 64 deep"),
        (fdx(("Action", "&nope;")).replace("&amp;", "&"), "is not XML"),
    ],
)  # fmt: skip
def test_a_final_draft_file_that_is_none_or_a_trap(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(tmp_path, text, "a.fdx")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_scripts(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="there is no such file"):
        script.read(tmp_path / "a.fountain")
    with pytest.raises(BadSetting, match="is not a script"):
        script.read(tmp_path / "a.docx")
    (tmp_path / "b.fountain").write_bytes(b"INT. \xff\xfe")
    with pytest.raises(BadSetting, match="UTF-8"):
        script.read(tmp_path / "b.fountain")
    (tmp_path / "c.fountain").mkdir()
    with pytest.raises(BadSetting, match="cannot be read"):
        script.read(tmp_path / "c.fountain")


MARKS = st.sampled_from(
    ["INT. A - DAY", "BOB", "(x)", "[[", "]]", "/*", "*/", "*", "**", "_", "\\*", "~", ">", "<",
     "===", "= s", "# s", "!", "@", ".", "TO:", "^", "#1#", "\n", "\n\n", " ", "  ", "\t", "word",
     "\ue700", "\ue701", "\ue707", "Title:", "wardrobe: A b=c", "\r"]
)  # fmt: skip


@given(st.lists(MARKS, max_size=30).map("".join) | st.text(max_size=60))
def test_no_text_breaks_the_parser_and_lines_are_in_the_file(text: str) -> None:
    _, found = fountain.parse(text)
    count = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert all(1 <= e.line <= e.last_line <= count for e in found)
    assert [e.line for e in found] == sorted(e.line for e in found)
