"""Each rule finds the notebook that breaks it, and no rule finds anything in one that keeps them all."""

from collections.abc import Callable

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from labs.classroom.author.rules import RULES, Finding, check
from tests.labs.sample import CLOSING, HINTS, NAME, OPENING, cell, printed, sample

Breakage = Callable[[NotebookNode], object]
SHOWN = "lab.show(figure, alt='a bar', finding='it is high')"


def says(cell_id: str, source: str) -> Breakage:
    return lambda notebook: cell(notebook, cell_id).update(source=source)


def prints(text: str) -> Breakage:
    return lambda notebook: cell(notebook, "check").update(outputs=[printed(text)])


def displays(**data: str) -> Breakage:
    bundle = {kind.replace("_", "/"): value for kind, value in data.items()}
    return lambda notebook: cell(notebook, "check").outputs.append(new_output("display_data", bundle))


def counts(cell_id: str, count: int | None) -> Breakage:
    return lambda notebook: cell(notebook, cell_id).update(execution_count=count)


def prose(old: str, new: str) -> Breakage:
    def change(notebook):
        [place] = [each for each in notebook.cells if old in each.source]
        place.source = place.source.replace(old, new)

    return change


def padded(lines: int, times: int) -> Breakage:
    """`times` more code cells of `lines` lines, executed in their turn."""

    def change(notebook):
        more = [new_code_cell("\n".join(["x = 1"] * lines), execution_count=5 + n) for n in range(times)]
        notebook.cells[-1:-1] = more

    return change


def second_parameters(notebook):
    cell(notebook, "setup").metadata["tags"] = ["parameters"]
    cell(notebook, "setup").source = cell(notebook, "scale").source


def same_id(notebook):
    cell(notebook, "check").id = "answer"


def no_id(notebook):
    del cell(notebook, "setup")["id"]


def an_error(notebook):
    cell(notebook, "answer").outputs = [new_output("error", ename="KeyError", evalue="'sku'", traceback=[])]


BROKEN: list[tuple[str, Breakage, str]] = [
    ("no-shell", says("answer", "!ls"), "runs a shell"),
    ("no-shell", says("answer", "files = !ls"), "runs a shell"),
    ("no-hiding-magic", says("answer", "%%bash\nls"), "`%%bash`"),
    ("no-hiding-magic", says("answer", "%%writefile a.py\nx = 1"), "prints another line"),
    ("no-hiding-magic", says("answer", "%%capture\nx = 1"), "hides what happens"),
    ("no-hiding-magic", says("answer", "%sx ls"), "`%sx`"),
    ("no-trailing-semicolon", says("answer", "plot = 1;"), "`;`"),
    ("no-trailing-semicolon", says("answer", "plot = 1;  # quiet"), "`;`"),
    ("no-trailing-semicolon", says("answer", "%%service order/worker.py\nx = 1;"), "`;`"),
    ("cell-length", padded(lines=6, times=5), "the median code cell has 6 lines"),
    ("cell-length", padded(lines=16, times=1), "cell 7: 16"),
    ("markers", says("answer", "### BEGIN SOLUTION"), "06_a_small_lab.ipynb, cell 5 (id answer)"),
    ("parameters", second_parameters, "2 cells are tagged"),
    ("parameters", lambda notebook: cell(notebook, "scale").update(metadata={}), "0 cells are tagged"),
    ("parameters", says("scale", 'SCALE = "ci"  # or class'), "exactly `SCALE"),
    ("parameters", says("scale", "SCALE = 'ci'"), "exactly `SCALE"),
    ("figure-words", says("answer", "lab.show(figure, finding='it is high')"), "needs `alt=`"),
    ("figure-words", says("answer", "lab.show(figure, alt='a bar')"), "needs `finding=`"),
    ("figure-words", says("answer", "lab.show(figure, alt=' ', finding='it is high')"), "needs `alt=`"),
    ("figure-words", says("answer", "plt.show()"), "needs `alt=`"),
    ("executed", counts("answer", None), "nbval compares nothing"),
    ("executed", counts("answer", 7), "number 7, not 3"),
    ("executed", says("answer", " \n"), "the cell is empty"),
    ("no-error-output", an_error, "KeyError: 'sku'"),
    ("no-trace-of-this-run", prints("at http://127.0.0.1:5673/\n"), "'127.0.0.1:5673'"),
    ("no-trace-of-this-run", prints("at localhost:80\n"), "the port changes"),
    ("no-trace-of-this-run", prints("wrote /tmp/x\n"), "'/tmp/'"),
    ("no-trace-of-this-run", prints("File /home/me/x.py\n"), "'/home/'"),
    ("no-trace-of-this-run", prints("order-service, pid 4711\n"), "the process id"),
    ("no-trace-of-this-run", displays(text_plain="<Lab at 0x7f3a5c0e1d90>"), "the memory address"),
    ("no-trace-of-this-run", displays(text_html="<b>/home/me</b>"), "'/home/'"),
    ("no-duration", prints("took 12.5 ms\n"), "'12.5 ms'"),
    ("no-duration", prints("took 3 seconds\n"), "print a ratio or a conclusion"),
    ("output-image-alt", displays(image_png="aGVsbG8="), "lab.show"),
    ("output-image-alt", displays(text_html='<img src="data:image/png;base64,aGVsbG8=">'), "<img> without alt"),
    ("output-image-alt", displays(text_html='<img alt="" src="x.png">'), "<img> without alt"),
    ("check-speaks", lambda notebook: cell(notebook, "check").update(outputs=[]), "left no output"),
    ("all-is-well", prints("✗ 3 of 50 orders were lost\n"), "mend the lab or the machine"),
    ("ids", same_id, "'answer' is used 2 times"),
    ("ids", no_id, "has no id"),
    ("opening", lambda notebook: notebook.cells.insert(0, new_markdown_cell("Hello")), "begin with the title"),
    ("opening", prose("**Memory.** 50 MB.", ""), "lacks **Memory.**"),
    ("opening", says("opening", OPENING.replace("**Question.** ", "") + " **Question.**"), "another order"),
    ("closing", prose("## What you saw", "## Seen"), "`## What you saw`"),
    ("closing", says("closing", CLOSING + "\n\n## One more thing"), "nothing after"),
    ("closing", says("closing", "```\n" + CLOSING + "\n```"), "`## Next`"),
    ("hints", prose("<summary>Hint 2</summary>", "<summary>Note</summary>"), "'add' has 1 hints"),
    ("hints", prose("It is the number of your hands.", " "), "'add' has 1 hints"),
    ("alt-text", prose("Two apples beside one another", " "), "![ ]("),
    ("alt-text", prose("Two apples beside one another", "Apples](a.png) ![")," has no alt text"),
    ("alt-text", prose("# A small lab", '# A small lab\n<img src="x.png">'), '<img src="x.png">'),
    ("mermaid", prose("graph LR\n  one --> two\n", "\n"), "without content"),
    ("mermaid", says("closing", CLOSING + "\n```mermaid\ngraph LR"), "never closed"),
]  # fmt: skip


def test_a_lab_that_keeps_the_rules_has_no_findings():
    assert check(sample(), f"solutions/{NAME}") == []


@pytest.mark.parametrize(
    ("rule", "breaks", "says"), BROKEN, ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(BROKEN)]
)
def test_the_rule_and_no_other_finds_what_breaks_it(rule, breaks, says):
    notebook = sample()
    breaks(notebook)
    found = check(notebook, NAME)
    assert {finding.rule for finding in found} == {rule}, "\n".join(map(str, found))
    assert any(says in finding.message for finding in found), "\n".join(map(str, found))


@pytest.mark.parametrize(
    "name", ["lab.ipynb", "6_events.ipynb", "06-events.ipynb", "06_Events.ipynb", "06_events .ipynb"]
)
def test_a_file_name_out_of_order_is_found(name):
    assert [finding.rule for finding in check(sample(), name)] == ["file-name"]


def test_every_rule_is_shown_to_bite():
    assert {rule for rule, _, _ in BROKEN} | {"file-name"} == set(RULES)


@pytest.mark.parametrize(
    "keeps",
    [
        says("answer", 'query = """\n!not a shell;\nselect 1;\n"""'),
        says("answer", "a = 1; b = 2"),
        says("answer", "%%service order/worker.py\nx = 1"),
        says("answer", SHOWN),
        prints("accepted 50 of 50 within 5 s; 12 times faster; /orders/{id} answers 202\n"),
        displays(text_html='<img alt="A bar" src="data:image/png;base64,iVBO/tmp/0K==">'),
        prose("Two apples beside one another", "Two apples [sic]"),
        says("exercise", HINTS.replace("Hint 1", "hint 1: the question")),
    ],
    ids=["text in a string", "one line", "service", "figure", "conclusion", "embedded image", "brackets", "hint title"],
)
def test_what_only_looks_like_a_breach_is_left_alone(keeps):
    notebook = sample()
    keeps(notebook)
    assert check(notebook, NAME) == []


def test_a_second_exercise_needs_hints_of_its_own():
    notebook = sample()
    more = new_code_cell('lab.check("subtract")', execution_count=5, outputs=[printed("subtract: passed\n")])
    notebook.cells.insert(-1, more)
    [finding] = check(notebook, NAME)
    assert "'subtract' has 0 hints" in finding.message
    notebook.cells[-2].source = 'lab.check("add")'
    assert check(notebook, NAME) == [], "checking the same exercise again needs no new hints"


def test_the_answer_does_not_count_for_the_length_of_a_cell():
    notebook = sample()
    answer = "\n".join(["x = 1"] * 40)
    cell(notebook, "answer").source = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
    assert check(notebook, NAME) == []


def test_a_notebook_not_executed_yet_can_be_checked_for_the_rest():
    notebook = sample()
    for each in notebook.cells:
        if each.cell_type == "code":
            each.update(outputs=[], execution_count=None)
    assert check(notebook, NAME, without=["executed", "check-speaks"]) == []


def test_a_notebook_of_the_old_format_is_told_about_its_ids():
    old = sample()
    old.nbformat_minor = 4
    for each in old.cells:
        del each["id"]
    assert {finding.rule for finding in check(old, NAME)} == {"ids"}


def test_a_finding_reads_as_a_line():
    assert str(Finding("solutions/06.ipynb", 3, "ids", "why")) == "solutions/06.ipynb, cell 3: why [ids]"
    assert str(Finding("solutions/06.ipynb", 0, "ids", "why")) == "solutions/06.ipynb: why [ids]"
