"""pgmpy with our loops behind it: the same classes, arguments and types of answers, and the same distribution."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fastdgm as fd

pytest.importorskip("pgmpy")
pd = pytest.importorskip("pandas")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own deprecations, at import
    from pgmpy.factors.discrete import State, TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork
    from pgmpy.readwrite import BIFReader
    from pgmpy.sampling import BayesianModelSampling

    from fastdgm.interop.patches import pgmpy_models
    from fastdgm.interop.patches.pgmpy_files import read
    from fastdgm.interop.patches.pgmpy_models import twin_of
    from fastdgm.interop.patches.replacement import NotOursError

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

STATES = [
    ["no", "yes"],
    ["yes", "no"],
    [0, 1],
    [3, 1],
    [True, False],
    [1.5, 0.5],
    [(1, 2), (0, 3)],
    ["a", 1],
    [b"b", b"a"],
]


def chain(names: list[object]) -> DiscreteBayesianNetwork:
    """a -> b, c -> b; b has the named states."""
    model = DiscreteBayesianNetwork([("a", "b"), ("c", "b")])
    of_a, of_c = {"a": ["x", "y", "z"]}, {"c": [0, 1]}
    model.add_cpds(
        TabularCPD("a", 3, [[0.2], [0.5], [0.3]], state_names=of_a),
        TabularCPD("c", 2, [[0.4], [0.6]], state_names=of_c),
        TabularCPD(
            "b",
            2,
            [[0.9, 0.2, 0.5, 0.3, 0.7, 0.1], [0.1, 0.8, 0.5, 0.7, 0.3, 0.9]],
            ["a", "c"],
            [3, 2],
            state_names={"b": names, **of_a, **of_c},
        ),
    )
    return model


def both(call):
    """What pgmpy's own code gives, and what it gives patched."""
    theirs = call()
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # nothing falls back
        return theirs, call()


def assert_same_form(theirs, ours):
    assert list(theirs.dtypes.items()) == list(ours.dtypes.items())
    assert theirs.index.equals(ours.index) and type(theirs.index) is type(ours.index)
    assert theirs.columns.dtype == ours.columns.dtype
    for name in theirs.columns:
        if name != "_weight":
            assert {type(one) for one in theirs[name]} == {type(one) for one in ours[name]}
            assert set(theirs[name]) == set(ours[name])


@pytest.mark.parametrize("names", STATES, ids=repr)
@pytest.mark.parametrize("method", ["forward_sample", "rejection_sample", "likelihood_weighted_sample"])
def test_frames_are_of_the_same_form(names, method):
    sampler = BayesianModelSampling(chain(names))
    options = {} if method == "forward_sample" else {"evidence": [State("a", "y")]}
    assert_same_form(*both(lambda: getattr(sampler, method)(size=300, seed=1, show_progress=False, **options)))


@pytest.mark.parametrize("names", STATES, ids=repr)
def test_simulated_frames_are_of_the_same_form(names):
    model = chain(names)
    assert_same_form(*both(lambda: model.simulate(300, seed=1, show_progress=False)))
    theirs, ours = both(lambda: model.simulate(300, seed=1, evidence={"c": 1}, do={"b": names[1]}, show_progress=False))
    assert_same_form(theirs, ours)  # categories are the states that occur: one of b, one of c


@pytest.mark.parametrize(
    "method, options, given",
    [
        ("forward_sample", {}, {}),
        ("rejection_sample", {"evidence": [State("dysp", "yes")]}, {"dysp": "yes"}),
    ],
)
def test_rows_are_of_the_networks_distribution(method, options, given):
    net, n = fd.example("asia"), 20_000
    sampler = BayesianModelSampling(net.to_pgmpy())
    with fd.patch("pgmpy"):
        rows = getattr(sampler, method)(size=n, seed=3, show_progress=False, **options)
    for name in set(net.names) - given.keys():
        expected = n * np.asarray(net.posterior([name], given=given))
        counts = np.array([(rows[name] == state).sum() for state in net.states[name]])
        possible = expected > 0
        assert not counts[~possible].any()
        chi_square = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
        assert chi_square < 25, name  # of 0 to 1 degrees of freedom


def test_simulate_under_interventions_and_evidence_is_exact():
    model = fd.example("asia").to_pgmpy()
    net = fd.example("asia").do({"smoke": "yes"})
    with fd.patch("pgmpy"):
        rows = model.simulate(20_000, do={"smoke": "yes"}, evidence={"xray": "yes"}, seed=4, show_progress=False)
    assert set(rows["smoke"]) == {"yes"} and set(rows["xray"]) == {"yes"}
    expected = np.asarray(net.posterior(["lung"], given={"xray": "yes"}))
    share = (rows["lung"] == net.states["lung"][0]).mean()
    assert abs(share - expected[0]) < 0.02


def test_weights_are_probabilities_of_the_evidence():
    sampler = BayesianModelSampling(chain(["no", "yes"]))
    evidence = [("b", "yes"), ("a", "z")]
    theirs, ours = both(lambda: sampler.likelihood_weighted_sample(evidence, 500, seed=2, show_progress=False))
    for rows in (theirs, ours):
        assert set(rows["b"]) == {"yes"} and set(rows["a"]) == {"z"}
        by_c = rows.groupby("c")["_weight"].unique()
        np.testing.assert_allclose([by_c[0].item(), by_c[1].item()], [0.3 * 0.3, 0.3 * 0.9], rtol=1e-12)


def test_the_same_seed_gives_the_same_rows_and_numpys_own_seed_counts():
    model = chain(["no", "yes"])
    with fd.patch("pgmpy"):
        first, second = (model.simulate(50, seed=7, show_progress=False)[["a", "b"]] for _ in range(2))
        np.random.seed(7)
        third = model.simulate(50, show_progress=False)[["a", "b"]]
        fourth = model.simulate(50, show_progress=False)[["a", "b"]]
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(first, third)
    assert not first.equals(fourth)


def test_latent_variables_are_left_out():
    model = chain(["no", "yes"])
    model.latents = {"a"}
    with fd.patch("pgmpy"):
        assert set(model.simulate(5, show_progress=False).columns) == {"b", "c"}
        assert list(model.simulate(5, include_latents=True, show_progress=False).columns) == ["a", "b", "c"]
        sampler = BayesianModelSampling(model)
        assert list(sampler.forward_sample(5, show_progress=False).columns) == ["b", "c"]
        assert list(sampler.rejection_sample([("c", 1)], 5, show_progress=False).columns) == ["b", "c"]
        rows = sampler.likelihood_weighted_sample([("c", 1)], 5, show_progress=False)
        assert list(rows.columns) == ["b", "c", "_weight"]


def test_a_table_changed_in_place_is_never_old():
    model = chain(["no", "yes"])
    twin = twin_of(model)
    assert twin_of(model) is twin
    model.get_cpds("a").values[:] = [0.0, 0.0, 1.0]
    with fd.patch("pgmpy"):
        assert set(model.simulate(50, seed=0, show_progress=False)["a"]) == {"z"}
    model.get_cpds("a").values[:] = 0.9
    with fd.patch("pgmpy"), pytest.raises(ValueError, match="is not equal to 1"):
        model.simulate(50, seed=0, show_progress=False)


def test_state_names_changed_in_place_are_never_old():
    model = chain([1, 0])
    assert twin_of(model).states["b"] == (1, 0)
    model.get_cpds("b").state_names["b"][0] = True  # equal to what was there
    assert twin_of(model).states["b"][0] is True


def test_what_is_kept_of_a_model_goes_with_it():
    gc.collect()
    before = len(pgmpy_models._kept)
    model = chain(["no", "yes"])
    twin_of(model)
    assert len(pgmpy_models._kept) == before + 1
    del model
    gc.collect()
    assert len(pgmpy_models._kept) == before


def test_roots_and_rows_that_are_a_little_off():
    model = DiscreteBayesianNetwork([("a", "b")])
    model.add_cpds(
        TabularCPD("a", 3, [[0.333], [0.333], [0.333]]),
        TabularCPD("b", 2, [[0.5, 0.333, 1.0], [0.499, 0.666, 0.0]], ["a"], [3]),
    )
    twin = twin_of(model)
    np.testing.assert_allclose(twin.net["a"].table, [0.334, 0.333, 0.333])
    np.testing.assert_allclose(twin.net["b"].table[0], [0.5 / 0.999, 0.499 / 0.999])
    with pytest.raises(NotOursError, match="from summing to 1"):
        pgmpy_models.exactly_ours(model)


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.simulate(-1),
        lambda model: model.simulate(2.5),
        lambda model: model.simulate(5, evidence={"b": "perhaps"}),
        lambda model: model.simulate(5, evidence={"d": "no"}),
        lambda model: model.simulate(5, do={"b": "no"}, evidence={"b": "no"}),
        lambda model: model.simulate(5, seed=-1),
        lambda model: BayesianModelSampling(model).likelihood_weighted_sample([("b", "perhaps")]),
        lambda model: BayesianModelSampling(model).likelihood_weighted_sample([("d", "no")]),
        lambda model: DiscreteBayesianNetwork([("a", "b")]).simulate(5),
        lambda model: BIFReader(),
    ],
)
def test_what_pgmpy_refuses_it_refuses_in_its_own_words(call):
    model = chain(["no", "yes"])
    with pytest.raises(Exception) as theirs:
        call(model)
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Exception) as ours:
            call(model)
    assert type(ours.value) is type(theirs.value) and str(ours.value) == str(theirs.value)


def test_options_that_are_not_ours_run_pgmpys_code():
    model = chain(["no", "yes"])
    missing = TabularCPD("b*", 2, [[0.5], [0.5]])
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = model.simulate(200, missing_prob=missing, seed=0, show_progress=False)
        assert rows["b"].isna().any()
        fixed = pd.DataFrame({"a": [1] * 20})
        assert set(BayesianModelSampling(model).forward_sample(20, partial_samples=fixed)["a"]) == {1}
    with pytest.raises(NotOursError, match="names that are not strings"):
        twin_of(DiscreteBayesianNetwork([(0, 1)]))


def test_as_synthcity_calls_it():
    """Its plugin bayesian_network: a network from edges, fitted to a frame of codes, sampled without a bar."""
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 3, (500, 3)), columns=["a", "b", "c"])
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = DiscreteBayesianNetwork([("a", "b"), ("b", "c")])
        network.fit(frame)
        rows = BayesianModelSampling(network).forward_sample(size=100, show_progress=False)
    assert rows.shape == (100, 3) and set(rows["a"]) == {0, 1, 2}


BIF = """network little {
}
variable rain {
  type discrete [ 2 ] { no, yes };
  property position = (1, 2) ;
}
variable wet {
  type discrete [ 3 ] { dry, a little, soaked };
}
probability ( rain ) {
  table 0.8, 0.3;
}
probability ( wet | rain ) {
  (yes) 0.1, 0.2, 0.7;
  (no) 1e-1, 0.3, 0.6;
}
"""


def assert_same_reader(theirs, ours):
    tables = theirs.variable_cpds, ours.variable_cpds
    assert list(tables[0]) == list(tables[1])
    for one, other in zip(tables[0].values(), tables[1].values(), strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)
    assert {**vars(theirs), "variable_cpds": 0} == {**vars(ours), "variable_cpds": 0}


def test_bif_is_read_as_it_is_written():
    text = "// a remark\n" + BIF.replace(" wet ", ' "wet" ')
    theirs, ours = both(lambda: BIFReader(string=text, include_properties=True))
    assert_same_reader(theirs, ours)
    assert ours.variable_cpds["rain"].tolist() == [[0.8], [0.3]]  # a sum is the business of check_model
    assert theirs.get_model() is not None and list(ours.get_model().nodes()) == ["rain", "wet"]


def test_a_file_is_read_by_load(tmp_path):
    path = tmp_path / "asia.bif"
    fd.write(fd.example("asia"), path)
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = DiscreteBayesianNetwork.load(str(path))
    assert model.check_model() and set(model.edges()) == set(fd.example("asia").edges)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("}\nprob", "} \nprob"),  # pgmpy takes both blocks for one
        lambda text: text.replace("a little", "(35,60]"),
        lambda text: text.replace("a little", "property"),
        lambda text: text.replace("rain", "table1"),
        lambda text: text.replace("rain", "variable"),
        lambda text: text.replace("wet", "Rain"),
        lambda text: text.replace("  (no) 1e-1, 0.3, 0.6;\n", ""),
        lambda text: text.replace("  (no) 1e-1, 0.3, 0.6;\n", "  default 1, 0, 0;\n"),
        lambda text: text.replace("(no) 1e-1, 0.3, 0.6;", "(no) 1e-1, 0.3, nan;"),
        lambda text: text.replace("(no) 1e-1, 0.3, 0.6;", "(no) 1e-1,, 0.3, 0.6;"),
        lambda text: text.replace("table 0.8, 0.3", "table 0.8 0.2 0.3"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text[:-1],
        lambda text: text.replace("(1, 2)", '"http://x"'),
        lambda text: "",
    ],
)
def test_files_that_may_be_read_in_two_ways_are_pgmpys(change):
    with pytest.raises(NotOursError):
        read(BIFReader.__new__(BIFReader), string=change(BIF))


SCRIPT = """
import pickle, sys
from pgmpy.models import DiscreteBayesianNetwork
from neighbour import VALUE
print(__name__, sys.argv[1:], VALUE, sys.stdin.read())
assert DiscreteBayesianNetwork.simulate.__wrapped__
class Own: pass
assert type(pickle.loads(pickle.dumps(Own()))) is Own
if "fail" in sys.argv: raise KeyError("the script's own")
sys.exit(7)
"""


def run_patched(folder, *arguments):
    (folder / "neighbour.py").write_text("VALUE = 3")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-W", "ignore", "-m", "fastdgm", "patch", "pgmpy", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, input="typed")


def test_a_script_runs_as_the_main_program(tmp_path):
    result = run_patched(tmp_path, "--help", "-o", "x y")
    assert result.returncode == 7, result.stderr
    assert result.stdout.startswith("__main__ ['--help', '-o', 'x y'] 3 typed\n")


def test_a_failing_script_shows_its_own_traceback(tmp_path):
    result = run_patched(tmp_path, "fail")
    assert result.returncode == 1
    assert result.stderr.rstrip().endswith('KeyError: "the script\'s own"') and "script.py" in result.stderr
