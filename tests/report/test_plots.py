"""Contracts of the figures: labelled, coloured the same everywhere, pure, and calm about odd input."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seg.report import plots

FEATURES = ["recency_days", "orders", "revenue"]


def scan_of(ks, **columns):
    """Make a k scan whose silhouettes are estimated on 500 customers."""
    ks = np.asarray(ks)
    scan = {"k": ks, "inertia": 9e4 / ks, "silhouette": 0.5 - 0.02 * ks, "silhouette_se": 0.01}
    scan |= {"silhouette_n": 500, "silhouette_sq": 0.7 - 0.02 * ks, "bic": np.nan}
    return pd.DataFrame(scan | columns)


def segments_of(numbers, features=FEATURES, revenue=True):
    """Make the table of segments with an equal share each and an index of 25 to 400."""
    k = len(numbers)
    table = {"segment": numbers, "name": [f"Segment no. {n}" for n in numbers], "size": 100, "share": 1 / k}
    table["revenue_share"] = 1 / k if revenue else np.nan
    for feature in features:
        index = np.geomspace(25, 400, k)
        table |= {f"mean_{feature}": index * 12.3, f"median_{feature}": index, f"index_{feature}": index}
    return pd.DataFrame(table)


def customers_of(numbers, n=60):
    """Make points, silhouettes, labels and names of `n` customers in the given segments."""
    rng = np.random.default_rng(0)
    names = {number: f"Segment no. {number}" for number in numbers}
    return rng.normal(size=(n, 2)), rng.uniform(-0.2, 0.9, n), np.resize(numbers, n), names


def every_figure(numbers=(0, 1, 2), features=FEATURES):
    """Draw each kind of figure once."""
    points, values, labels, names = customers_of(list(numbers))
    segments = segments_of(list(numbers), features)
    return {
        "elbow": plots.elbow(scan_of([2, 3, 4]), 3),
        "silhouette_over_k": plots.silhouette_over_k(scan_of([2, 3, 4]), 3),
        "silhouette_blades": plots.silhouette_blades(values, labels, names, plots.Overall(values.mean())),
        "profile_heatmap": plots.profile_heatmap(segments, features),
        "sizes": plots.sizes(segments),
        "map_2d": plots.map_2d(points, labels, names, np.array([0.5, 0.2])),
    }


def texts(figure):
    """Return every text of a figure, axes labels and tick labels included."""
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def fills(figure):
    """Return the face colours of patches, badges and points as ``#rrggbb``."""
    boxes = [text.get_bbox_patch() for text in figure.findobj(matplotlib.text.Text)]
    patches = [p.get_facecolor() for p in [*figure.findobj(matplotlib.patches.Patch), *filter(None, boxes)]]
    dots = [c for s in figure.findobj(matplotlib.collections.PathCollection) for c in s.get_facecolor()]
    dots += [line.get_markerfacecolor() for line in figure.findobj(Line2D) if line.get_marker() == "o"]
    return {to_hex(colour) for colour in patches + dots}


def test_every_figure_is_a_figure_with_labelled_axes():
    for name, figure in every_figure().items():
        assert isinstance(figure, Figure), name
        for ax in figure.axes:
            ticks = [label.get_text() for label in ax.get_xticklabels() + ax.get_yticklabels()]
            assert ax.get_xlabel() or any(ticks), name
        assert plots.png(figure).startswith(b"\x89PNG"), name


def test_no_text_is_smaller_than_9_points():
    for name, figure in every_figure().items():
        drawn = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text().strip()]
        assert min(text.get_fontsize() for text in drawn) >= 9, name


@pytest.mark.parametrize("name", ["silhouette_blades", "profile_heatmap", "sizes", "map_2d"])
def test_a_segment_has_the_same_colour_in_every_figure(name):
    expected = {plots.segment_colour(number) for number in (0, 2, -1)}
    found = fills(every_figure((0, 2, -1))[name])
    assert expected <= found
    assert plots.segment_colour(1) not in found


def test_24_segments_have_24_colours_and_noise_is_grey():
    colours = [plots.segment_colour(number) for number in range(24)]
    assert len({*colours, plots.segment_colour(-1)}) == 25
    red, green, blue = matplotlib.colors.to_rgb(plots.segment_colour(-1))
    assert max(red, green, blue) - min(red, green, blue) < 0.06


def test_the_chosen_k_and_the_distance_are_written_on_the_figures():
    assert "chosen k = 4" in texts(plots.elbow(scan_of(range(2, 8)), 4))
    written = texts(plots.silhouette_over_k(scan_of(range(2, 8)), 4))
    assert "chosen k = 4" in written
    assert "squared\nEuclidean" in written
    assert "sample of 500" in written


def test_an_exact_silhouette_is_not_called_a_sample():
    assert "sample" not in texts(plots.silhouette_over_k(scan_of([2, 3], silhouette_se=0.0), 2))


def test_a_single_k_without_inertia_or_silhouette_still_gives_a_figure():
    scan = scan_of([1], inertia=np.nan, silhouette=np.nan, silhouette_sq=np.nan, silhouette_se=np.nan)
    assert "no inertia" in texts(plots.elbow(scan, 1))
    assert "fewer than two segments" in texts(plots.silhouette_over_k(scan, None))
    assert plots.png(plots.elbow(scan_of([6]), 6))
    assert plots.png(plots.silhouette_over_k(scan_of([6]), 6))


def test_silhouettes_that_are_all_unknown_say_so():
    figure = plots.silhouette_blades(np.full(3, np.nan), np.zeros(3, int), {0: "all"}, plots.Overall(np.nan))
    assert "fewer than two segments" in texts(figure)


def test_20_segments_and_30_features_are_drawn_without_cell_text():
    features = [f"feature_{number}" for number in range(30)]
    figures = every_figure((*range(19), -1), features)
    assert all(plots.png(figure, dpi=40) for figure in figures.values())
    assert "12.3" not in texts(figures["profile_heatmap"])
    assert figures["profile_heatmap"].get_figwidth() < 13


def test_an_index_that_is_not_a_ratio_has_no_colour_but_its_mean_is_written():
    segments = segments_of([0, 1, 2, 3]).assign(index_orders=[np.nan, np.inf, 0.0, -50.0], mean_orders=4321.0)
    figure = plots.profile_heatmap(segments, FEATURES)
    colours = figure.axes[0].images[0].get_array()[:, 1]
    np.testing.assert_array_equal(np.ma.filled(colours, np.nan), [np.nan, 2, -2, np.nan])
    assert texts(figure).count("4.3k") == 4


def test_shares_without_revenue_have_one_panel():
    assert len(plots.sizes(segments_of([0, 1], revenue=False)).axes) == 1
    assert len(plots.sizes(segments_of([0, 1])).axes) == 2


def test_a_big_map_is_sampled_the_same_way_twice_and_says_so():
    points, _, labels, names = customers_of([0, 1], n=300)
    draw = [plots.map_2d(points, labels, names, np.array([0.6, 0.1]), max_points=100) for _ in range(2)]
    assert "300 customers, 100 of them drawn" in texts(draw[0]).replace("\n", " ")
    assert sum(len(line.get_xdata()) for line in draw[0].axes[0].lines) == 100
    assert plots.png(draw[0], dpi=50) == plots.png(draw[1], dpi=50)


def test_big_blades_are_thinned_but_keep_every_segment():
    _, values, labels, names = customers_of([0, 1, 2], n=3000)
    labels[:2990] = 0
    figure = plots.silhouette_blades(values, labels, names, plots.Overall(values.mean()), max_rows=200)
    drawn = [len(patch.get_data().values) for patch in figure.findobj(matplotlib.patches.StepPatch)]
    assert len(drawn) == 3
    assert 200 <= sum(drawn) <= 260


def test_blades_of_a_sample_speak_of_all_customers():
    # Both segments gave ten customers to the sample, but one has nine times as many.
    values, labels = np.repeat([0.5, -0.1], 10), np.repeat([0, 1], 10)
    sizes = {0: 900, 1: 100}
    figure = plots.silhouette_blades(
        values, labels, {0: "many", 1: "few"}, plots.Overall(0.44, sizes, {1: -0.25})
    )
    shown = texts(figure).replace("\n", " ")
    assert "10 % of customers sit closer" in shown and "20 of 1,000 customers" in shown
    ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert ["900" in ticks[0], "100" in ticks[1], "0.25" in ticks[1]] == [True] * 3


def test_points_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"got points of shape \(4, 3\), expected \(n, 2\)"):
        plots.map_2d(np.zeros((4, 3)), np.zeros(4, int), {0: "all"}, np.array([1, 0]))


def test_a_name_with_markup_is_drawn_as_it_is():
    segments = segments_of([0, 1]).assign(name=["$\\frac{1$ <b>", "line one\nline two " + "long " * 20])
    figure = plots.sizes(segments)
    assert plots.png(figure)
    assert "$\\frac{1$ <b>" in texts(figure)


def test_numbers_are_written_short():
    written = [plots.compact(value) for value in (0, 0.3412, -5.04, 999.6, 12_345, 3.4e6, np.inf)]
    assert written == ["0", "0.34", "−5", "1k", "12k", "3.4M", "∞"]
    assert [plots.percent(share) for share in (0, 0.0004, 0.081, 0.54)] == [
        "0 %",
        "< 0.1 %",
        "8.1 %",
        "54 %",
    ]


def test_drawing_changes_neither_its_input_nor_the_style_of_others():
    segments, scan = segments_of([0, 1]), scan_of([4, 2, 3])
    before, style = (segments.copy(), scan.copy()), dict(matplotlib.rcParams)
    plots.png(plots.profile_heatmap(segments, FEATURES))
    plots.png(plots.sizes(segments))
    plots.png(plots.elbow(scan, 3))
    plots.png(plots.silhouette_over_k(scan, 3))
    pd.testing.assert_frame_equal(segments, before[0])
    pd.testing.assert_frame_equal(scan, before[1])
    assert dict(matplotlib.rcParams) == style


def test_arrays_that_may_not_be_written_to_are_fine():
    points, values, labels, names = customers_of([0, 1])
    for array in (points, values, labels):
        array.flags.writeable = False
    assert plots.png(plots.map_2d(points, labels, names, np.array([0.5, 0.2])), dpi=50)
    assert plots.png(plots.silhouette_blades(values, labels, names, plots.Overall(0.3)), dpi=50)


def test_a_high_number_is_blue_where_it_is_good_and_orange_where_it_is_bad():
    features = ["recency_days", "revenue", "tenure_days"]
    values = {f"{part}_{name}": [200.0] for part in ("mean", "index") for name in features}
    wide = pd.DataFrame({"segment": [0], "name": ["Loyal"], "size": [3], **values})
    shaded, grey = plots.profile_heatmap(wide, features).axes[0].images
    assert np.ma.filled(shaded.get_array(), np.nan)[0, :2].tolist() == [-1, 1]
    assert np.isnan(np.ma.filled(shaded.get_array(), np.nan)[0, 2])
    assert grey.get_array()[0, 2] == 1 and grey.get_array().mask[0, :2].all()
