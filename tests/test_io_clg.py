"""Networks with linear Gaussians as HUGIN .net and as JSON: what programs write, round trips, what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared

import fastdgm as fd
from fastdgm.io import read_hugin, read_json, write_bif, write_hugin, write_json

FORMATS = {"hugin": (read_hugin, write_hugin), "json": (read_json, write_json)}
NAMES = ["539", "x", "b1191", "pm2.5", "normal", "nan", "1e5", "é", "_", "E"]


def random_net(seed: int, names: list[str]) -> fd.BayesNet:
    """Discrete and real variables in turn, with any parents that they may have, children first."""
    rng = np.random.default_rng(seed)
    conditionals, states = {}, {}
    for i, name in enumerate(names):
        discrete = [own for own in states if rng.random() < 0.5]
        ks = [len(states[own]) for own in discrete]
        if rng.random() < 0.4:
            k = int(rng.integers(1, 4))
            states[name] = [f"{name} {j}" for j in range(k)]
            table = rng.dirichlet(np.ones(k), ks)
            conditionals[name] = fd.CPT(discrete, table / table.sum(axis=-1, keepdims=True), states[name])
            continue
        real = [own for own in names[:i] if own not in states and rng.random() < 0.5]
        parents = rng.permutation([*discrete, *real]).tolist()
        ks = [len(states[own]) for own in parents if own in states]
        intercept, std = rng.normal(0, 10.0 ** rng.integers(-9, 9), ks), rng.exponential(1.0, ks)
        coefficients = rng.normal(0, 1, (*ks, len(real))).round(int(rng.integers(0, 18)))
        conditionals[name] = fd.LinearGaussian(parents, intercept, coefficients, std * (rng.random(ks) < 0.8))
    return fd.BayesNet(dict(reversed(conditionals.items())))


def assert_same(net: fd.BayesNet, other: fd.BayesNet) -> None:
    assert net.names == other.names and dict(net.parents) == dict(other.parents) and net.states == other.states
    for name in net.names:
        assert net[name] == other[name], name


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32), names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=8, unique=True))
@settings(max_examples=60, deadline=None)
def test_every_bit_comes_back(name, seed, names):
    read, write = FORMATS[name]
    net = random_net(seed, names)
    text = write(net)
    assert_same(read(text), net)
    assert write(read(text)) == text


@pytest.mark.parametrize("name", FORMATS)
def test_a_regression_has_more_parents_than_a_table(name):
    read, write = FORMATS[name]
    parents = {f"x{i}": fd.Normal(i, 1) for i in range(1000)}
    net = fd.BayesNet({**parents, "y": fd.LinearGaussian(list(parents), 0.5, np.arange(1000) / 7, 2)})
    assert_same(read(write(net)), net)


@pytest.mark.parametrize("suffix", ["net.gz", "json", "hugin"])
def test_through_files(tmp_path, suffix):
    net, path = random_net(3, NAMES), tmp_path / f"net.{suffix}"
    fd.write(net, path)
    assert_same(fd.read(path), net)


@pytest.mark.parametrize("std", ["1e-200", "1e+200", "5e-324"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_std_whose_square_is_no_double_is_refused(name, std):
    _, write = FORMATS[name]
    with pytest.raises(ValueError, match=rf"the square of {re.escape(std)}, the std of 'x', is no double"):
        write(fd.BayesNet({"x": fd.Normal(0, float(std))}))


@pytest.mark.parametrize("own", [fd.Uniform(0, 1), fd.Exponential(2), fd.Logistic([], [], 1), fd.NoisyOr([], [])])
@pytest.mark.parametrize("suffix", ["bif", "xml", "uai", "net", "xdsl", "json"])
def test_other_conditionals_are_refused_by_name(tmp_path, own, suffix):
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "x": own})
    with pytest.raises(TypeError, match=rf"needs tables.*, variable 'x' has a {type(own).__name__}"):
        fd.write(net, tmp_path / f"net.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_the_table_that_the_error_tells_of_says_the_same():
    net = fd.BayesNet({"a": fd.Bernoulli(0.25), "b": fd.Bernoulli(0.5), "n": fd.NoisyOr(["b", "a"], [0.9, 0.4], 0.1)})
    with pytest.raises(TypeError, match=r"a NoisyOr: a CPT says the same, .* exp.net.log_prob.rows, per_variable=True"):
        write_bif(net)
    rows = [[a, b, n] for b in (0, 1) for a in (0, 1) for n in (0, 1)]  # the table's axes: b, a, n
    table = np.exp(net.log_prob(rows, per_variable=True))[:, 2].reshape(2, 2, 2)
    assert table[1, 1, 0] == pytest.approx(0.9 * 0.1 * 0.6)
    tables = fd.BayesNet({**net.conditionals, "n": fd.CPT(["b", "a"], table, net.states["n"])})
    assert tables.log_prob(rows) == pytest.approx(net.log_prob(rows))
    assert write_bif(tables)


@pytest.mark.parametrize("suffix", ["bif", "xml", "uai", "xdsl"])
def test_formats_of_tables_refuse_linear_gaussians_by_name(tmp_path, suffix):
    with pytest.raises(TypeError, match="needs tables, variable 'x' has a Normal"):
        fd.write(fd.BayesNet({"x": fd.Normal(0, 1)}), tmp_path / f"net.{suffix}")


@pytest.mark.parametrize("name", FORMATS)
def test_parameters_that_are_still_to_be_learnt(name):
    _, write = FORMATS[name]
    with pytest.raises(fd.NotFittedError, match="the parameters of 'x' are not known yet"):
        write(fd.BayesNet({"x": fd.LinearGaussian([])}))


# --- HUGIN -------------------------------------------------------------------------------------------------


def test_hugin_networks_of_the_amidst_toolbox():
    net = fd.read(shared("clg/amidst_Example.net"))
    assert net.names == ("E", "D", "C", "B", "A")
    assert net["D"] == fd.LinearGaussian(["B", "C"], [2, 0.5], [[2], [1.5]], np.sqrt([1, 2]))
    net = fd.read(shared("clg/amidst_huginNetworkFromAMIDST.net"))
    assert (len(net), len(net.states), len(net.edges)) == (8, 3, 10)
    assert net["G"] == fd.LinearGaussian(["C", "D"], 0.7, [0.3, -0.8], np.sqrt(0.81))
    assert net["I"].intercept.tolist() == [[0.5, -0.1], [2.1, 2.1], [1.5, 0.0]]
    assert net["I"].coefficients[2].tolist() == [[-0.41, 0.5], [0.0, 0.3]]
    assert net["I"].std[1, 1] == 0.95 and net["H"].std.shape == (3, 2)


def hugin(data: str, parents: str = "a z x") -> fd.BayesNet:
    head = (
        'node a { states = ("u" "v"); } continuous node x { } continuous node z { } continuous node y { label = ""; }'
    )
    roots = "potential ( a ) { data = (1 1); } potential ( x ) { data = normal(0, 1); } potential(z){data=normal(0,1);}"
    return read_hugin(f"{head}\n{roots}\npotential ( y | {parents} ) {{\n data = {data}; }}", "file", None)


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        ("1", (1, 0, 0)),
        ("-1.5e-3", (-0.0015, 0, 0)),
        ("x", (0, 0, 1)),
        ("-x", (0, 0, -1)),
        ("x*2-z", (0, -1, 2)),
        ("2*x+3 - 4e+0*z -.5", (2.5, -4, 2)),
        ("1 + x + 2 * x + 1", (2, 0, 3)),
        ("+ 3.", (3, 0, 0)),
        ("1e3*x", (0, 0, 1000)),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # counts
def test_means_of_hugin(mean, expected):
    own = hugin(f"(normal ( {mean}, 4 )\n % comment\n normal({mean},0))")["y"]
    assert own.intercept.tolist() == [expected[0]] * 2
    assert own.coefficients.tolist() == [list(expected[1:])] * 2
    assert own.std.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("normal ( 1, 1 )", r"line 4: .* 'y' have 2 normal .*, one for each configuration .*, got 1"),
        ("normal ( 1, 1 ) normal (1, 1)", "nest one level per discrete parent"),
        ("((normal ( 1, 1 )) (normal (1, 1)))", "nest one level per discrete parent"),
        ("(normal ( 1, 1 ) normal (1, 1)", "nest one level per discrete parent"),
        ("(normal ( 1, 1 ), normal (1, 1))", "nest one level per discrete parent"),
        ("(normal ( 1, (1) ) normal (1, 1) normal (1, 1))", "nest one level per discrete parent"),
        (
            "(normal ( 1 ) normal (1, 1))",
            r"expected normal \( mean, variance \) in the data of 'y', got 'normal \( 1 \)'",
        ),
        ("(normal ( 1,5, 1 ) normal (1, 1))", "decimals are written with a point, not a comma"),
        ("(normal ( , 1 ) normal (1, 1))", "a mean is a sum of numbers"),
        ("(normal ( 1, 1 ) normal (1, ))", "a variance is a number from 0 on, 'y' has ''"),
        ("(normal ( 1, 1 )\n normal (1, -2))", "line 5: a variance is a number from 0 on, 'y' has '-2'"),
        ("(normal ( 1, 1 ) normal (1, inf))", "a variance is a number from 0 on"),
        ("(normal ( 1, 1 ) normal (1, 1_0))", "a variance is a number from 0 on"),
        ("(normal ( 1 + 2 * b, 1 ) normal (1, 1))", r"the real parents of 'y' are \['z', 'x'\], got '\+ 2 \* b'"),
        ("(normal ( 1 + 2 * a, 1 ) normal (1, 1))", r"the real parents of 'y' are \['z', 'x'\], got '\+ 2 \* a'"),
        ("(normal ( x * z, 1 ) normal (1, 1))", "got 'x . z'"),
        ("(normal ( 2 * 3, 1 ) normal (1, 1))", "got '2 . 3'"),
        ("(normal ( 1 2, 1 ) normal (1, 1))", "got '2'"),
        ("(normal ( 1 + , 1 ) normal (1, 1))", r"got '\+'"),
        ("(normal ( 1 - - 1, 1 ) normal (1, 1))", "got '- - 1'"),
        ("(normal ( 1e999, 1 ) normal (1, 1))", "got '1e999'"),
        ("(normal ( nan, 1 ) normal (1, 1))", "got 'nan'"),
        ("(normal ( 1e308 + 1e308, 1 ) normal (1, 1))", "regressions of 'y': intercept must be finite"),
        ("(1 1)", "one for each configuration .*, got 0"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_hugin_cannot_mean(data, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        hugin(data)
    assert str(caught.value).startswith("file, line ")


def test_a_continuous_node_has_data():
    for text in ("", "experience = (1);"):
        with pytest.raises(fd.FormatError, match="line 2: the potential of the continuous node 'x' has no data"):
            read_hugin(f"continuous node x {{ }}\npotential ( x ) {{ {text} }}")


def test_a_continuous_node_has_a_potential():
    with pytest.raises(fd.FormatError, match="line 1: variable 'x' has no distribution"):
        read_hugin("continuous node x { }")


@pytest.mark.parametrize("name", ["a-b", "a+b", "2*x"])
def test_operators_in_the_names_of_real_parents(name):
    alone = fd.BayesNet({name: fd.Normal(0, 1)})
    assert read_hugin(write_hugin(alone)).names == (name,)
    net = fd.BayesNet({name: fd.Normal(0, 1), "y": fd.LinearGaussian([name], 0, [1], 1)})
    with pytest.raises(ValueError, match=r"cannot hold the name '.*' of a real parent"):
        write_hugin(net)
    assert_same(read_json(write_json(net)), net)


# --- JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "counts"), [("ecoli70", (46, 70, 162)), ("magic-niab", (44, 66, 154))])
def test_gaussian_networks_of_the_bnlearn_repository(name, counts):
    net = fd.read(shared(f"gaussian/{name}.json"))
    assert (len(net), len(net.edges), net.n_parameters) == counts
    assert not net.states
    assert_same(read_json(write_json(net)), net)
    assert_same(read_hugin(write_hugin(net)), net)


def test_ecoli70():
    net = fd.read(shared("gaussian/ecoli70.json"))
    assert net["atpD"] == fd.LinearGaussian(["sucA", "ygcE"], -0.0403, [0.2603, -0.7252], np.sqrt(0.4131))


def test_sangiovese():
    with pytest.warns(UserWarning, match=r"divided by their sum: 'Treatment' \(1 rows, worst 2.0e-04\)") as caught:
        net = fd.read(shared("clg/sangiovese.json"))
    assert caught[0].filename == __file__
    assert (len(net), len(net.edges), net.n_parameters, list(net.states)) == (15, 55, 259, ["Treatment"])
    assert net["BunchN"].intercept[:2].tolist() == [0.1267, 0.1244]
    assert net["BunchN"].coefficients[:2, 0].tolist() == [0.8628, 0.5831]
    assert net["BunchN"].std[-1] == 0.3222
    assert net["pH"].std == np.sqrt(0.0003)
    assert_same(read_json(write_json(net)), net)


A = {"type": "discrete", "parents": [], "levels": ["young", "old"], "cpt": {"old": 0.25, "young": 0.75}}
H = {
    "type": "discrete",
    "parents": "A",
    "levels": ["none", "any", "all"],
    "cpt": {"A=old": {"none": 0.5, "any": 0.25, "all": 0.25}, "A=young": {"all": 0.0, "none": 1, "any": 0.0}},
}
D = {
    "type": "cgnode",
    "parents": ["A", "T", "H"],
    "children": [],
    "dparents": [1, 3],
    "gparents": 2,
    "dlevels": {"A": ["young", "old"], "H": ["none", "any", "all"]},
    "coefficients": {"(Intercept)": dict(zip("012345", range(6), strict=True)), "T": [0, 1, 2, 3, 4, 5.5]},
    "sd": {"5": 1.5, "4": 1, "3": 0.5, "2": 0, "1": 0, "0": 0},
}
T = {"type": "gaussian", "parents": [], "coefficients": {"(Intercept)": 120}, "variance": [2.25]}
ARCS = [["A", "H"], {"from": "A", "to": "D"}, ["H", "D"], ["T", "D"]]
FILE = {
    "name": "care",
    "type": "hybrid",
    "nodes": ["D", "A", "H", "T"],
    "arcs": ARCS,
    "cpds": {"A": A, "H": H, "D": D, "T": T},
}


def edited(name: str, **changes) -> str:
    """The file with other entries of one node; None leaves one out."""
    own = {key: value for key, value in {**FILE["cpds"][name], **changes}.items() if value is not None}
    return json.dumps({**FILE, "cpds": {**FILE["cpds"], name: own}})


def test_configurations_count_with_the_first_discrete_parent_fastest():
    net = read_json(json.dumps(FILE))
    assert net.names == ("D", "A", "H", "T") and net.parents["D"] == ("A", "T", "H")
    assert net["H"].table.tolist() == [[1, 0, 0], [0.5, 0.25, 0.25]]
    assert net["D"].intercept.tolist() == [[0, 2, 4], [1, 3, 5]]
    assert net["D"].coefficients[..., 0].tolist() == [[0, 2, 4], [1, 3, 5.5]]
    assert net["D"].std.tolist() == [[0, 0, 1], [0, 0.5, 1.5]]
    assert net["T"] == fd.Normal(120, 1.5)
    assert_same(read_json(write_json(net)), net)


def test_levels_in_another_order_are_found_by_name():
    net = read_json(edited("D", dlevels={"A": ["old", "young"], "H": ["any", "all", "none"]}))
    assert net["D"].intercept.tolist() == [[5, 1, 3], [4, 0, 2]]


def test_either_square_root():
    assert read_json(edited("T", variance=None, sd=2))["T"].std == 2
    assert read_json(edited("D", sd=None, variance=[0, 1, 4, 9, 16, 25]))["D"].std.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_rows_of_two_parents():
    cpt = {f"A={a},H={h}": {"no": 0.25, "yes": 0.75} for h in H["levels"] for a in A["levels"]}
    both = {"type": "discrete", "parents": ["A", "H"], "levels": ["no", "yes"], "cpt": cpt}
    text = json.dumps(
        {"nodes": ["A", "H", "B"], "arcs": [["A", "H"], ["A", "B"], ["H", "B"]], "cpds": {"A": A, "H": H, "B": both}}
    )
    net = read_json(text)
    assert net["B"].table.shape == (2, 3, 2)
    assert_same(read_json(write_json(net)), net)
    assert '"A=young, H=none": {' in write_json(net)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "this is no JSON"),
        ("{}", "expected a JSON object with nodes, arcs and cpds"),
        ("[1]", "expected a JSON object with nodes, arcs and cpds"),
        (json.dumps({**FILE, "nodes": "A"}), "nodes are a list of names"),
        (json.dumps({**FILE, "nodes": ["A", "H", "D"]}), r"missing or too many: \['T'\]"),
        (json.dumps({**FILE, "nodes": ["A", "H", "D", "T", "T"]}), "a name given twice"),
        (json.dumps({**FILE, "arcs": ARCS[1:]}), r"missing or too many: \['A -> H'\]"),
        (json.dumps({**FILE, "arcs": [*ARCS, ARCS[0]]}), "one given twice"),
        (json.dumps({**FILE, "arcs": {}}), "arcs are a list"),
        (json.dumps({**FILE, "arcs": [["A"]]}), "an arc is a pair of names"),
        (json.dumps({**FILE, "cpds": {**FILE["cpds"], "T": 3}}), "node 'T' is a JSON object, got 3"),
        (edited("A", type="beta"), 'node .A. has a type, one of discrete, gaussian, cgnode, got "beta"'),
        (edited("A", type=["discrete"]), "has a type"),
        (edited("A", levels=None), "node 'A' has a list of names as its levels, got null"),
        (edited("A", levels=["young", "young"]), "state names must be distinct, 'A' has 'young' twice"),
        (edited("A", cpt={"young": 1}), r"node 'A' has a probability for each of its levels \['young', 'old'\], got"),
        (edited("A", cpt={"young": 0.5, "old": 0.25}), "table of 'A': every row of a table sums to 1, got 0.75"),
        (edited("A", cpt={"young": "0.5", "old": 0.5}), 'has finite numbers, got "0.5"'),
        (edited("A", cpt={"young": True, "old": 0}), "has finite numbers, got true"),
        (edited("A", cpt=[0.75, 0.25]), "has a probability for each of its levels"),
        (edited("H", cpt=H["cpt"] | {"A=x": {}}), "has a cpt with 2 rows, .* got 3"),
        (
            edited("H", cpt={"young": 1, "A=old": 2}),
            r"has no row 'A=young' in its cpt, the rows are \['young', 'A=old'\]",
        ),
        (edited("H", parents=["A", "Q"]), r"missing or too many: \['Q -> H'\]"),
        (edited("H", parents=["T"]), "missing or too many: .*'A -> H'"),
        (edited("D", dparents=[1, 2]), r"node 'D' has dparents \[1, 3\], the places of \['A', 'H'\], got \[1, 2\]"),
        (edited("D", gparents=None), r"has gparents \[2\]"),
        (edited("D", dlevels=None), "has dlevels of"),
        (edited("D", dlevels={**D["dlevels"], "A": ["x", "old"]}), r"has dlevels \['x', 'old'\] of 'A', which has"),
        (edited("D", type="gaussian"), r"has discrete parents \['A', 'H'\]: its type is cgnode"),
        (edited("D", sd=[1, 2, 3]), "has 6 configurations of discrete parents, got numbers for 3"),
        (
            edited("D", sd={str(i): 1 for i in range(1, 7)}),
            "has 6 configurations of discrete parents, got numbers for 1",
        ),
        (edited("D", sd=1), "has 6 configurations of discrete parents, got numbers for 1"),
        (edited("D", sd=[1, 1, 1, 1, 1, -1]), "has a sd from 0 on, got -1.0"),
        (edited("D", variance=1), "has either sd or variance, got sd and variance"),
        (edited("T", variance=None), "has either sd or variance, got neither"),
        (edited("T", variance=None, sd="1"), 'has finite numbers, got "1"'),
        (edited("T", variance=[]), "has 1 configurations of discrete parents, got numbers for 0"),
        (
            edited("T", coefficients={"(Intercept)": 1, "A": 2}),
            r"has a coefficient for each of \['\(Intercept\)'\], got",
        ),
        (edited("T", coefficients=None), "has a coefficient for each of .*, got null"),
        (edited("T", coefficients={"(Intercept)": None}), "has finite numbers, got null"),
        (
            edited("T", coefficients={"(Intercept)": 777}).replace("777", "NaN"),
            "this is no JSON: numbers are finite, got NaN",
        ),
        (edited("T", coefficients={"(Intercept)": 777}).replace("777", "1e999"), "has finite numbers, got Infinity"),
        (json.dumps({"nodes": [], "arcs": [], "cpds": {}}), "at least one variable, got none"),
        (json.dumps({"nodes": [""], "arcs": [], "cpds": {"": T}}), "a variable has a name, got an empty one"),
    ],
)
def test_what_json_cannot_mean(text, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_json(text, "file")
    assert str(caught.value).startswith("file: ")
    assert len(str(caught.value)) < 1100


def test_what_json_cannot_hold():
    with pytest.raises(ValueError, match="cannot hold the variable name ''"):
        write_json(fd.BayesNet({"": fd.Normal(0, 1)}))
    net = fd.BayesNet({"(Intercept)": fd.Normal(0, 1), "y": fd.LinearGaussian(["(Intercept)"], 0, [1], 1)})
    with pytest.raises(ValueError, match=r"cannot hold the name '.Intercept.' of a real parent"):
        write_json(net)
    parents = {"a": fd.Categorical([0.5, 0.5], ["x", "x, b=y"]), "b": fd.Categorical([0.5, 0.5], ["y", "y, b=y"])}
    with pytest.raises(ValueError, match="two of its rows would be named alike"):
        write_json(fd.BayesNet({**parents, "c": fd.CPT(["a", "b"], np.full((2, 2, 2), 0.5))}))


def test_pgmpy_reads_what_we_write(tmp_path):
    models = pytest.importorskip("pgmpy.models", reason="pgmpy is not installed")
    net, path = fd.read(shared("gaussian/ecoli70.json")), tmp_path / "net.json"
    fd.write(net, path)
    loaded = fd.from_pgmpy(models.LinearGaussianBayesianNetwork.load(str(path)))
    assert set(loaded.names) == set(net.names) and all(loaded[name] == net[name] for name in net.names)
    net.to_pgmpy().save(str(path))
    assert_same(fd.read(path), net)


@pytest.mark.filterwarnings("ignore:.*'Treatment'")
@pytest.mark.parametrize("path", ["clg/sangiovese.json", "clg/amidst_Example.net", "gaussian/magic-niab.json"])
def test_networks_out_of_files_draw_and_score(path):
    net = fd.read(shared(path))
    assert np.isfinite(net.log_prob(net.sample(500, seed=0))).all()


def test_point_masses_score_their_own_rows():
    net = read_json(json.dumps(FILE))
    rows = net.sample(2000, seed=0)
    assert np.isfinite(net.log_prob(rows)).all()
    exact = (rows["A"] == 0) & (rows["H"] == 0)
    assert exact.any() and (rows["D"][exact] == 0).all()  # 0 + 0 T, without spread
