"""Laws of the command line: every option of TRL's classes, from flags or a recipe, and one line where it is wrong."""

import sys

import pytest
import typer

from agent.errors import UserError
from training.arguments import parse
from training.command import ACCELERATE, RECIPES, _folder, _run

BASIC = ["--model_name_or_path", "embedded", "--dataset_name", "rows.jsonl"]


def test_options_of_every_class_are_known(tmp_path):
    flags = [
        "--lora_r",
        "8",
        "--learning_rate",
        "0.5",
        "--dataset_train_split",
        "train[:9]",
        "--dataset_revision",
        "v1",
    ]
    script, training, model, ours = parse([*BASIC, *flags, "--output_dir", str(tmp_path)])
    assert (model.lora_r, training.learning_rate) == (8, 0.5)
    assert (script.dataset_train_split, ours.dataset_revision) == ("train[:9]", "v1")


def test_an_adapter_on_all_linear_layers_is_the_default_and_can_be_turned_off():
    assert parse(BASIC)[2].use_peft
    assert parse(BASIC)[2].lora_target_modules == "all-linear"
    assert not parse([*BASIC, "--use_peft", "false"])[2].use_peft
    assert parse([*BASIC, "--lora_target_modules", "q_proj", "v_proj"])[2].lora_target_modules == ["q_proj", "v_proj"]


def test_a_flag_overrides_the_recipe_and_the_recipe_overrides_the_default(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("learning_rate: 0.25\nlora_r: 4\n")
    _, training, model, _ = parse([*BASIC, "--config", str(recipe), "--lora_r", "6"])
    assert (training.learning_rate, model.lora_r) == (0.25, 6)


def test_the_rate_is_an_adapters_only_where_an_adapter_is_trained(tmp_path):
    assert parse(BASIC)[1].learning_rate == 2e-4
    assert parse([*BASIC, "--use_peft", "false"])[1].learning_rate == 2e-5
    assert parse([*BASIC, "--use_peft", "false", "--learning_rate=2e-4"])[1].learning_rate == 2e-4
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("learning_rate: 2.0e-5\n")
    assert parse([*BASIC, "--config", str(recipe)])[1].learning_rate == 2e-5


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_that_comes_along_is_understood(recipe):
    _, training, model, _ = parse(["--config", str(recipe), *BASIC])
    assert model.use_peft
    assert training.learning_rate > 0
    assert not training.packing or training.max_length


@pytest.mark.parametrize("able", [True, False])
def test_a_cpu_trains_in_bfloat16_where_it_multiplies_in_it(able, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": able})
    _, training, _, _ = parse(BASIC)
    if not torch.accelerator.is_available():
        assert training.use_cpu
        assert training.bf16 == able
        assert parse([*BASIC, "--bf16", "true"])[1].bf16
        assert not parse([*BASIC, "--bf16", "false"])[1].bf16


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--learning_ratte", "1"], "unknown option --learning_ratte (did you mean --learning_rate?)"),
        (["--learn", "1"], "unknown option --learn"),
        (["--learning_rate", "fast"], "invalid float value: 'fast'"),
        (["--mask_method", "guess"], "invalid choice: 'guess'"),
        (["--load_in_4bit", "--load_in_8bit"], "4 bit"),
        (["--config"], "--config names no file"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml: no such recipe"),
    ],
)
def test_a_wrong_option_is_one_line(flags, says):
    with pytest.raises(UserError) as caught:
        parse([*BASIC, *flags])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_ratte: 1\n", "unknown option learning_ratte (did you mean learning_rate?)"),
        ("- 1\n", "must hold `option: value` lines"),
        ("a: [\n", "cannot be read as YAML"),
    ],
)
def test_a_wrong_recipe_is_one_line_with_its_name(text, says, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text)
    with pytest.raises(UserError) as caught:
        parse([*BASIC, "--config", str(recipe)])
    assert str(recipe) in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ([], "runs/adapter"),
        (["--output_dir", "runs/a"], "runs/a"),
        (["--output_dir", "runs/a", "--output_dir=runs/b"], "runs/b"),
        (["--config", "RECIPE"], "runs/of-the-recipe"),
        (["--config", "RECIPE", "--output_dir", "runs/c"], "runs/c"),
    ],
)
def test_the_numbers_are_read_where_the_script_wrote_them(options, folder, tmp_path):
    (tmp_path / "recipe.yaml").write_text("output_dir: runs/of-the-recipe\n")
    given = [str(tmp_path / "recipe.yaml") if option == "RECIPE" else option for option in options]
    assert str(_folder(given)) == folder
    assert str(parse([*given, "--model_name_or_path", "embedded", "--dataset_name", "x"])[1].output_dir) == folder


def test_options_without_effect_here_are_refused_and_ours_may_be_named():
    assert parse([*BASIC, "--assistant_only_loss", "true"])[1].assistant_only_loss is False  # it is what is done
    for flags in (("--padding_free", "true"), ("--dataset_streaming", "true"), ("--packing_strategy", "wrapped")):
        with pytest.raises(UserError, match=f"{flags[0]} has no effect here"):
            parse([*BASIC, *flags])


def test_the_launchers_file_is_in_the_package_and_at_the_top():
    assert ACCELERATE.name == "accelerate_config.yaml"
    packaged = RECIPES.parent / ACCELERATE.name
    assert packaged.read_text("utf-8") == ACCELERATE.read_text("utf-8")


def test_training_that_is_killed_says_so_and_a_traceback_is_left_as_it_is(capfd):
    with pytest.raises(UserError, match="ended without a word"):
        _run([sys.executable, "-c", "raise SystemExit(1)"], quiet_stdout=False)
    with pytest.raises(typer.Exit) as left:
        _run([sys.executable, "-c", "raise ValueError('an unknown key')"], quiet_stdout=False)
    assert left.value.exit_code == 1
    assert "ValueError: an unknown key" in capfd.readouterr().err


def test_what_nobody_expected_is_told_with_its_traceback(tmp_path, monkeypatch, capfd):
    script = tmp_path / "script.py"
    script.write_text("from training.failure import told_in_one_line\nwith told_in_one_line():\n    {}['rate']\n")
    monkeypatch.setenv("PYTHONPATH", str(RECIPES.parents[1]))
    with pytest.raises(typer.Exit) as left:
        _run([sys.executable, str(script)], quiet_stdout=False)
    assert left.value.exit_code == 1
    assert "KeyError: 'rate'" in capfd.readouterr().err
