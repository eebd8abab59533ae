"""Rendering: what a real template raises on or drops in silence is seen, and such a row is not published."""

import copy

import pytest
from test_rows import row

from dataset_builder import rendering
from dataset_builder.rendering import not_rendered


def test_good_rows_are_shown_whole_by_real_templates():
    good = row(0, city="北京")
    assert len(rendering._templates()) == 2
    assert not_rendered(good["messages"], good["tools"]) is None
    assert not_rendered(good["messages"][:1] + good["messages"][-1:], []) is None


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('no tools here') }}", "raised TemplateError: no tools here"),
        ("{% for message in messages %}{{ message.content }}{% endfor %}", "leaves out '\"weather\"'"),
        ("{{ tools }}{% for message in messages %}{{ message.role }}{% endfor %}", "leaves out"),
        ("{% for message in messages %}{{ message.nothing.at_all }}{% endfor %}", "raised UndefinedError"),
    ],
)
def test_what_a_template_does_not_show_is_said(monkeypatch, template, said):
    monkeypatch.setattr(rendering, "_templates", lambda: {"test": template})
    good = row(0, city="北京")
    assert said in not_rendered(good["messages"], good["tools"])


def test_a_value_that_a_template_cannot_take_is_named():
    broken = copy.deepcopy(row(0, city="北京"))
    broken["messages"][0]["content"] = None
    assert not_rendered(broken["messages"], broken["tools"]).startswith("embedded: raised")
