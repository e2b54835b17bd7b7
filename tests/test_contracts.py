"""What holds for every analysis, result and notebook, whoever wrote it."""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import kam
from kam.columns import GLOSSARY
from kam.results import Result

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@cache
def modules():
    names = [m.name for m in pkgutil.walk_packages(kam.__path__, "kam.") if "__main__" not in m.name]
    if importlib.util.find_spec("pyspark") is None:
        names.remove("kam.ledger.spark")
    return [importlib.import_module(name) for name in names]


@cache
def result_classes():
    every = {
        kind
        for module in modules()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Result)
    }
    return sorted(every - {Result}, key=lambda kind: kind.__name__)


@cache
def analyses():
    """Public functions that return a Result."""
    found = {}
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("_") or function.__module__ != module.__name__:
                continue
            returned = inspect.signature(function).return_annotation
            if isinstance(returned, str) and returned.endswith("Result"):
                found[f"{module.__name__}.{name}"] = function
    return found


@pytest.fixture(scope="module")
def results(sample_company):
    return make_results(sample_company)


def make_results(data):
    """One of each result, most of them of the sample."""
    from kam import churn, identify, ledger, programme, survey
    from tests.churn.accounts_at_risk import simulated as accounts_at_risk
    from tests.churn.forecasts import some_forecasts
    from tests.churn.seasonal_buyers import roll, simulate_orders

    summary, panel = ledger.summarize_customers(data.ledger), ledger.activity_panel(data.ledger, freq="month")
    classes = identify.classify_abc_xyz(summary, panel, n_resamples=50, context=data.context)
    facts = identify.account_facts(summary, panel, accounts=data.accounts)
    states = ledger.state_panel(data.ledger, states="value", k=3, freq="quarter", window=4)
    chain = churn.fit_markov_churn(states, n_resamples=50, context=data.context)
    definition = churn.churn_definition(panel, n_resamples=50, context=data.context)
    responses = survey.read_survey(data)
    asked = ["on_time", "complete", "quality", "range", "price", "web_shop"]  # few answer the last: it is left out
    frame = survey.survey_frame(responses, sample=data.sample, contacts=data.contacts)
    taken, rolled = roll(simulate_orders(150, days=800, season=0.5))
    profit = identify.profitability(summary, data.accounts, credit_rate=0.06, context=data.context)
    scorecard = identify.score_accounts(
        identify.criteria_table(summary, data.accounts, declared=data.file.criteria), n_draws=50, context=data.context
    )
    tiers = identify.tier_migration(panel, overrides=data.overrides, context=data.context)
    quality = identify.sales_quality(data.ledger, accounts=data.accounts, context=data.context)
    risks = identify.risks(data.ledger, accounts=data.accounts, context=data.context)
    found = {"classes": classes, "profit": profit, "scorecard": scorecard, "migration": tiers}
    key_accounts = identify.identify_key_accounts(data, **found, flags=[quality, risks])
    files = programme.gather_accounts(data, {one.key: one for one in (*found.values(), key_accounts, quality, risks)})
    return {
        "account files": files,
        "changes": programme.changes(
            {"tier_migration": tiers, "risks": risks}, {"tier_migration": tiers, "risks": risks}
        ),
        "dossier": programme.account_dossier(files, ""),
        "action list": programme.action_list(files),
        "overview": programme.programme_overview(files, {tiers.key: tiers}, accounts=data.accounts, n_draws=100),
        "definition": definition,
        "cohorts": churn.cohort_retention(data.ledger, definition),
        "losses": churn.describe_losses(definition, data.ledger, accounts=data.accounts, events=data.events),
        "markov": chain,
        "partial": churn.partial_churn(data.ledger, definition, n_resamples=50),
        "post mortem": churn.post_mortem(
            data.ledger, definition, covariates=ledger.Covariates(accounts=data.accounts, events=data.events)
        ),
        "value": churn.customer_value(chain, None, discount_rate=0.1, horizon=12, n_paths=100),
        "forecast": churn.forecast_mix(states, n_draws=100, context=data.context),
        "programmes": churn.compare_programmes(chain, data.programmes, discount_rate=0.1, n_draws=50),
        "backtest": churn.backtest_value(states, discount_rate=0.1, horizon=4, n_resamples=50, context=data.context),
        "sensitivity": churn.sensitivity_to_k(
            data.ledger,
            k=3,
            freq="quarter",
            window=4,
            discount_rate=0.1,
            horizon=12,
            n_resamples=50,
            context=data.context,
        ),
        "churn forecast": churn.predict_churn(taken, rolled=rolled, context=data.context),
        "comparison": churn.score_forecasts(*some_forecasts(), n_resamples=50, context=data.context),
        "call list": churn.build_call_list(
            accounts_at_risk(60),
            horizon_days=91,
            k=3,
            saving_rate=0.2,
            cost_of_visit=100,
            discount_rate=0.1,
            n_draws=100,
        ),
        "retention": churn.value_of_retention(
            accounts_at_risk(60), horizon_days=91, k=3, discount_rate=0.1, n_resamples=100, context=data.context
        ),
        "track record": churn.score_earlier_forecasts("", data.ledger, dataset="sample", context=data.context),
        "win-back": churn.build_win_back_list(
            ledger.snapshots(data.ledger, k=4, score=True), discount_rate=0.1, yearly_loss=0.2, context=data.context
        ),
        "concentration": identify.concentration(
            summary.set_index("customer_id")["revenue"], n_resamples=50, context=data.context
        ),
        "regression": churn.fit_churn_regression(
            ledger.snapshots(data.ledger, k=4), n_resamples=50, context=data.context
        ),
        "hazard": churn.fit_hazard(
            churn.person_periods(data.ledger, k=4, freq="quarter", covariates=ledger.Covariates(events=data.events)),
            context=data.context,
        ),
        "survival": churn.fit_survival(
            churn.person_periods(
                data.ledger,
                k=4,
                freq="quarter",
                covariates=ledger.Covariates(accounts=data.accounts, static=("region",)),
            ),
            group="region",
            context=data.context,
        ),
        "classes": classes,
        "profit": profit,
        "relationships": identify.relationship_levels(
            identify.customer_values(summary, "margin"),
            data.accounts.set_index("customer_id")["industry"],
            by="industry",
            context=data.context,
        ),
        "dependence": identify.assess_dependence(
            summary, parents=data.accounts.set_index("customer_id")["parent_id"], context=data.context
        ),
        "rfm": identify.score_rfm(summary, context=data.context),
        "risks": risks,
        "sales quality": quality,
        "staffing": identify.staffing(data.accounts, summary[["customer_id"]].head(50), context=data.context),
        "manager effect": identify.manager_effect(
            data.ledger, data.accounts, handovers=data.events, context=data.context
        ),
        "scorecard": scorecard,
        "profile": identify.profile_accounts(facts, context=data.context),
        "typology": identify.classify_types(facts, context=data.context),
        "prospects": identify.screen_prospects(facts, data.accounts, min_need=60_000, context=data.context),
        "drivers": survey.drivers(responses, items=asked, n_resamples=20, context=data.context),
        "growth": identify.growth(panel, accounts=data.accounts, context=data.context),
        "release": identify.release(panel, accounts=data.accounts, overrides=data.overrides, context=data.context),
        "accounts": key_accounts,
        "nonresponse": survey.assess_nonresponse(responses, frame, context=data.context),
        "estimates": survey.estimate(responses, by="role", questions=["overall", "recommend"]),
        "nps": survey.nps(data.survey["recommend"], context=data.context),
        "waves": survey.compare_waves(responses),
        "loyalty": survey.satisfaction_loyalty(responses, None, n_resamples=50, context=data.context),
        "lost satisfaction": survey.satisfaction_of_the_lost(responses, definition.customers),
        "reliability": survey.reliability(responses),
        "weights": survey.weigh_responses(responses, frame),
        "sample size": survey.sample_size(1200, half_width=0.05, share=0.5, response_rate=0.6, context=data.context),
        "draw": survey.draw_sample(
            summary, n=400, wave="2026-01", certainty=80, contacts=data.contacts, context=data.context
        ),
        "tracking": survey.track_responses(frame, context=data.context),
        "wallet": survey.share_of_wallet(
            data.accounts, summary, by=("industry",), n_resamples=50, context=data.context
        ),
        "tiers": tiers,
        "duplicates": identify.likely_duplicates(data.accounts, summary, context=data.context),
        "plan": identify.compare_plan(data.ledger, data.targets, accounts=data.accounts, context=data.context),
        "price, volume, mix": identify.price_volume_mix(
            ledger.summarize_mix(data.ledger, by="product_id", freq="last_years"), context=data.context
        ),
        "white space": identify.white_space(
            ledger.summarize_mix(data.ledger, by="product_group", freq="last_years"), context=data.context
        ),
        "summary": summary,
        "panel": panel,
    }


def test_every_result_class_is_made_here(results):
    made = {type(value) for value in results.values() if isinstance(value, Result)}
    assert made == set(result_classes())


def test_every_column_of_every_frame_stands_in_the_glossary(results):
    frames = {"summary": results["summary"], "panel": results["panel"]}
    for name, result in results.items():
        if isinstance(result, Result):
            frames |= {f"{name}.{table}": frame for table, frame in result.tables().items()}
    unknown = {
        f"{where}: {column}" for where, frame in frames.items() for column in frame.columns if column not in GLOSSARY
    }
    assert not unknown


def test_frames_are_tidy_and_of_the_format_that_the_glossary_says(results):
    for name, result in results.items():
        if not isinstance(result, Result):
            continue
        assert result.tables()[result.main] is not None
        for table, frame in result.tables().items():
            assert frame.index.equals(pd.RangeIndex(len(frame))), f"{name}.{table}"
            for column in frame:
                numeric = pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_bool_dtype(frame[column])
                if GLOSSARY[column].format in ("count", "money", "share", "number", "days"):
                    assert numeric, f"{name}.{table}.{column} is {frame[column].dtype}"


def test_every_answer_is_one_to_three_sentences_with_a_number(results):
    for result in results.values():
        if isinstance(result, Result):
            answer = result.answer()
            assert re.search(r"\d", answer) and answer.endswith(".")
            assert 3 <= len(answer.key_figures) <= 5
            assert all(figure.note for figure in answer.key_figures), "a figure without interval says why"
            assert result.checks and result.assumed


@pytest.mark.parametrize(
    "kind", [k for k in result_classes() if k.__module__.startswith("kam.survey")], ids=lambda kind: kind.__name__
)
def test_a_result_of_a_survey_says_of_each_frame_how_many_answers_it_rests_on(kind):
    frames = {field.name for field in dataclasses.fields(kind) if "DataFrame" in str(field.type)}
    assert set(kind.rests_on) == frames


def test_every_result_can_be_shared(results):
    for name, result in results.items():
        if not isinstance(result, Result):
            continue
        shared = dataclasses.replace(result, context=dataclasses.replace(result.context, audience="shared"))
        assert shared.answer(), name
        for table, frame in shared.tables().items():
            assert frame.empty or not {"respondent_id", "contact_id", "person"} & set(frame), f"{name}.{table}"
            if "n_respondents" in frame and "estimate" in frame:
                assert frame.loc[frame["n_respondents"] < 5, "estimate"].isna().all(), f"{name}.{table}"


@pytest.mark.parametrize("kind", result_classes(), ids=lambda kind: kind.__name__)
def test_results_are_frozen_and_say_what_they_hold(kind):
    assert kind.__dataclass_params__.frozen
    for field in dataclasses.fields(kind):
        if field.name not in ("context", "checks", "assumed"):
            assert re.search(rf"\b{field.name}\b", kind.__doc__ or ""), f"{kind.__name__}.{field.name} is not described"


@pytest.mark.parametrize("name", analyses())
def test_analyses_have_the_same_shape(name):
    function = analyses()[name]
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert 1 <= len(positional) <= 2, "one or two positional arguments, the data"
    assert all(p.default is p.empty for p in positional)
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters)
    for section in ("Parameters", "Returns", "Raises"):
        assert section in (function.__doc__ or "")
    assert "ssumes" in (function.__doc__ or "") or name.endswith("identify_key_accounts")


# -- notebooks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_thin_and_alike(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert re.match(r"# .*\?\n\n\*\*Decides\*\* .*\n\*\*Reads\*\* .*\n\*\*Method\*\* ", text[0].source)
    assert code[0].metadata.tags == ["parameters"]
    names = re.findall(r"^(\w+): .+ = .+  # .+$", code[0].source, re.M)
    assert len(names) == len(code[0].source.splitlines()), "name: type = default  # meaning, unit"
    assert names[0] == "dataset" and names[-3:] == ["results_dir", "run_dir", "history"]
    for cell in code[1:]:
        assert len(cell.source.splitlines()) <= 12
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.For, ast.While, ast.ListComp)), cell.source
        assert "matplotlib" not in cell.source
    headings = [line for cell in text for line in cell.source.splitlines() if line.startswith("## ")]
    assert headings[:2] == ["## Data", "## Answer"]
    assert headings[-3:] == ["## Checks", "## Method and limits", "## Provenance"]
    assert "kam.save_results(" in code[-1].source
    for cell in text:
        assert not re.search(r"\d+(?:[.,]\d+)+|\d+ ?%|[€$£]\d", cell.source), "no number of a run in static text"


def test_the_readme_names_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert path.stem in readme
