"""The READMEs are true: the table is the recorded run's, commands and options exist, links lead somewhere.

After a new demo run: `python tests/test_readme.py runs/demo/comparison.json` records it and writes the tables anew.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "docs" / "comparison.json"
PAGES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh.md"}
MARKED = re.compile(r"(<!-- comparison -->\n).*?(<!-- /comparison -->)", re.DOTALL)
MEASURES = {
    "valid_call": ("valid call", "调用合法"),
    "right_tool": ("right tool", "工具正确"),
    "right_arguments": ("right arguments, all of them", "参数全部正确"),
    "parallel": ("parallel calls, the whole set", "并行调用全部正确"),
    "right_abstention": ("right abstention", "该不调用时不调用"),
    "right_answer": ("answer states the result's values", "回答如实给出结果"),
}
GROUPS = {"zh": ("Chinese", "中文"), "en": ("English", "英文"), "all": ("both", "合计")}
HEADS = {
    "en": "| held-out tools | language | turns | base | base + adapter (95 % interval) |",
    "zh": "| 未见过的工具 | 语言 | 轮数 | 基座 | 基座 + 适配器（95 % 区间） |",
}


def table(document, language):
    """The comparison as Markdown, in the README's language."""
    column = 1 if language == "zh" else 0
    lines = [HEADS[language], "|---|---|---:|---:|---:|"]
    for measure, names in MEASURES.items():
        for group, titles in GROUPS.items():
            shares = document["measures"][group].get(measure)
            if shares is None:
                continue
            base, adapter = shares["base"], shares["adapter"]
            interval = f"{adapter['low']:.0f}–{adapter['high']:.0f}"
            shown = f"**{adapter['rate']:.1f} %** ({interval})"
            lines.append(f"| {names[column]} | {titles[column]} | {adapter['n']} | {base['rate']:.1f} % | {shown} |")
    return "\n".join(lines) + "\n"


def record(source):
    """Keep the run's document beside the README and write its table into both pages."""
    document = json.loads(Path(source).read_text(encoding="utf-8"))
    RECORD.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for language, page in PAGES.items():
        shown = table(document, language)
        text = MARKED.sub(lambda found, shown=shown: found[1] + shown + found[2], page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("language", PAGES)
def test_the_table_is_that_of_the_recorded_run(language):
    document = json.loads(RECORD.read_text(encoding="utf-8"))
    assert document["dataset"]["tools_seen_in_training"] == []
    assert f"<!-- comparison -->\n{table(document, language)}<!-- /comparison -->" in PAGES[language].read_text()


def commands(page):
    """Every `callsmith …` line of the page's code blocks, without its comment."""
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("callsmith ")]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_command_and_option_exists(page):
    found = commands(page)
    assert len(found) >= 5
    helps = {}
    for _, name, *words in found:
        if name not in helps:
            command = [sys.executable, "-m", "agent.cli", name, "--help"]
            helps[name] = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        for option in (word for word in words if word.startswith("--")):
            assert option in helps[name], f"callsmith {name} knows no {option}"


def test_both_languages_show_the_same_commands():
    assert commands(PAGES["en"]) == commands(PAGES["zh"])


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_users_own_tools_make_a_dataset_with_both_splits(tmp_path):
    code = re.search(r"```python\n(# my_tools\.py.*?)```", PAGES["en"].read_text(), re.DOTALL)[1]
    assert code in PAGES["zh"].read_text()
    file = tmp_path / "my_tools.py"
    file.write_text(code)
    from agent.tools import load_tools

    assert load_tools(str(file))[0].localized("zh")["function"]["description"] == "查询快递到了哪里。"
    _built_well(file, tmp_path / "set")


def test_the_pottery_makes_a_dataset_and_keeps_the_format_of_its_dates(tmp_path):
    rows = _built_well(ROOT / "docs" / "pottery_tools.py", tmp_path / "set")
    calls = [call["function"] for row in rows for message in row["messages"] for call in message.get("tool_calls", ())]
    days = [call["arguments"]["firing_date"] for call in calls if call["name"] == "book_firing"]
    assert days
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days), days


def _built_well(tools, folder):
    """The rows of a dataset of 60 about `tools`, of which both sides have some and no tool failed on its arguments."""
    command = ["build", "--tools", str(tools), "--teacher", "embedded", "--rows", "60", "--output", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", *command, "--json"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert min(json.loads(done.stdout)["rows"][split] for split in ("train", "test")) > 0
    from dataset_builder.rows import read_rows

    rows = list(read_rows(folder))
    results = [message for row in rows for message in row["messages"] if message["role"] == "tool"]
    assert results
    assert not any("Error" in message["content"] for message in results)
    return rows


if __name__ == "__main__":
    record(sys.argv[1])
