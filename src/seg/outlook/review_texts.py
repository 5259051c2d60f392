"""What reviewers write: sentiment by segment and over time, and the words that set a segment apart.

The sentiment is VADER's (Hutto & Gilbert 2014), a lexicon of English with rules for negation and emphasis, which the
package ships; nothing is fetched. Stars are the check: a lexicon that does not follow them says nothing. Text that is
not English is counted and left out, not guessed. Words are compared by log-odds with an informative Dirichlet prior (Monroe,
Colaresi & Quinn 2008, doi 10.1093/pan/mpn018): a z-score of each word, in which rare words do not stand out by chance.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from seg.engine import Engine, Reading
from seg.errors import SegError
from seg.sources import schema
from seg.sources.locate import Source
from seg.sources.schema import Field

MOST_REVIEWS = 10_000  # read at random where there are more
NEWEST = 200_000  # reviews that the sample is drawn from
SURE = 0.7  # least probability of a language that counts as known
# Those that reviews of this size are written in; among all 97 of the model, two words of English are often Latin.
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "zh")
PRIOR_WORDS = 500  # weight of the words of all segments in each
LEAST_TIMES = 10  # a word is used so often at least
WORDS = 10  # of each segment


@dataclass(frozen=True)
class ReviewOutlook:
    """What reviews say.

    Parameters
    ----------
    segments : DataFrame
        One row a segment: ``name``, ``reviews``, ``stars`` (mean), ``sentiment`` (mean, -1 to 1), ``negative_share`` (below -0.05).
    months : DataFrame
        One row a month: ``month``, ``reviews``, ``stars``, ``sentiment``.
    words : DataFrame
        ``name``, ``word``, ``z`` (above 1.96: used more in this segment than in the others) of the words that stand out most.
    languages : DataFrame
        ``language``, ``reviews``; ``unknown`` for texts too short or mixed to tell.
    agreement : float
        Rank correlation (Spearman) of sentiment and stars.
    right : float
        Share of reviews of 1, 2, 4 or 5 stars whose sentiment is on the side of the stars.
    """

    segments: pd.DataFrame
    months: pd.DataFrame
    words: pd.DataFrame
    languages: pd.DataFrame
    agreement: float
    right: float

    @property
    def sentence(self) -> str:
        """What was read and how far it can be trusted, for people."""
        every = int(self.languages["reviews"].sum())
        english = int(self.languages.loc[self.languages["language"] == "en", "reviews"].sum())
        return (
            f"{english:,} of {every:,} reviews are English and were read, {every - english:,} are not or cannot be told and were left out; "
            f"sentiment follows the stars with a rank correlation of {self.agreement:.2f} and is on their side in {self.right:.0%} of the reviews "
            "that are not of 3 stars"
        )


def missing() -> str | None:
    """Return why no text can be read here; None where it can."""
    lacking = [name for name in ("vaderSentiment", "py3langid") if find_spec(name) is None]
    if lacking:
        return f"{' and '.join(lacking)} not installed; install with: pip install 'seg[reviews]'"
    return None


def load_texts(engine: Engine, source: Source, column: str) -> pd.DataFrame:
    """Load the newest reviews with their texts.

    Parameters
    ----------
    engine : Engine
    source : Source
        Files as Amazon publishes them.
    column : str
        Name of the column of texts.

    Returns
    -------
    DataFrame
        ``customer_id``, ``ordered_at``, ``rating``, ``text``; at most `NEWEST` rows.

    Raises
    ------
    SegError
        The packages are missing, or the files have no such column.
    """
    reason = missing()
    if reason:
        raise SegError(f"outlook.text: {reason}")
    fields = [
        Field("customer_id", "user_id", "text", True),
        Field("ordered_at", "timestamp", "epoch_ms", True),
        Field("rating", "rating", "number"),
        Field("text", column, "text"),
    ]
    try:
        table = schema.load_fields(engine, source, fields, Reading(), "skip").table
        newest = table.order_by(table.ordered_at.desc(), table.customer_id).limit(NEWEST)
        return engine.collect(newest.select("customer_id", "ordered_at", "rating", "text"))
    except SegError as error:
        raise SegError(f"outlook.text={column}: {error}") from None


def read_reviews(
    reviews: pd.DataFrame, segments: pd.Series, names: Mapping[int, str], seed: int = 0
) -> ReviewOutlook:
    """Read the reviews of segmented customers.

    Parameters
    ----------
    reviews : DataFrame
        ``customer_id``, ``ordered_at``, ``rating`` (1 to 5), ``text``.
    segments : Series, index customer_id
    names : mapping of int to str
        Of the segments.
    seed : int
        Of the sample, where there are more than `MOST_REVIEWS`.

    Raises
    ------
    SegError
        No review in English is left.
    """
    texts = reviews[reviews["customer_id"].isin(segments.index)].dropna(subset=["text", "rating"])
    texts = texts[texts["text"].str.strip() != ""]
    if len(texts) > MOST_REVIEWS:
        texts = texts.sample(MOST_REVIEWS, random_state=seed)
    language = [language_of(text) for text in texts["text"]]
    counts = pd.Series(language, dtype="str").value_counts()
    languages = counts.rename_axis("language").rename("reviews").reset_index()
    english = texts[np.array(language, dtype=object) == "en"]
    if not len(english):
        raise SegError(
            f"outlook.text: none of the {len(texts):,} reviews of segmented customers is in English, the only language of the lexicon; leave "
            "outlook.text out"
        )
    english = english.assign(
        sentiment=sentiment_of(english["text"]),
        name=[names.get(int(one), f"segment {one}") for one in segments.reindex(english["customer_id"])],
        month=pd.to_datetime(english["ordered_at"]).dt.to_period("M").astype("str"),
    )
    sides = english[english["rating"] != 3]
    return ReviewOutlook(
        _means(english, "name").merge(
            english.assign(negative_share=english["sentiment"] < -0.05)
            .groupby("name", as_index=False)["negative_share"]
            .mean(),
            on="name",
        ),
        _means(english, "month"),
        telling_words(english["text"], english["name"]),
        languages,
        float(spearmanr(english["sentiment"], english["rating"]).statistic),
        float(((sides["sentiment"] > 0) == (sides["rating"] > 3)).mean()),
    )


def sentiment_of(texts: pd.Series) -> np.ndarray:
    """Return VADER's compound score of each text, from -1 (negative) to 1 (positive)."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    return np.array([analyser.polarity_scores(text)["compound"] for text in texts])


def language_of(text: str) -> str:
    """Return the code of the language of a text, or ``unknown`` where it is too short or mixed to tell."""
    language, probability = _identifier().classify(text)
    return str(language) if probability >= SURE else "unknown"


@functools.cache
def _identifier():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def telling_words(texts: pd.Series, groups: pd.Series, most: int = WORDS) -> pd.DataFrame:
    """List the words that a group uses more than the others do.

    Parameters
    ----------
    texts : Series of str
    groups : Series of str
        Group of each text.
    most : int
        Words of each group.

    Returns
    -------
    DataFrame
        ``name``, ``word``, ``z``, ``times`` (uses in the group), by falling z; only words with z above 1.96.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    rows = []
    try:
        counter = CountVectorizer(stop_words="english", min_df=2, token_pattern=r"(?u)\b[a-zA-Z]{3,}\b")
        counts = counter.fit_transform(texts)
    except ValueError:  # no word is left
        return pd.DataFrame(columns=["name", "word", "z", "times"])
    words = counter.get_feature_names_out()
    total = np.asarray(counts.sum(axis=0)).ravel().astype("float64")
    prior = PRIOR_WORDS * total / total.sum()
    for name in sorted(set(groups)):
        own = np.asarray(counts[(groups == name).to_numpy()].sum(axis=0)).ravel().astype("float64")
        z = log_odds(own, total - own, prior)
        order = np.argsort(-z, kind="stable")
        kept = [place for place in order if z[place] > 1.96 and own[place] >= LEAST_TIMES][:most]
        rows += [(name, words[place], z[place], int(own[place])) for place in kept]
    return pd.DataFrame(rows, columns=["name", "word", "z", "times"])


def log_odds(own: np.ndarray, others: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return the z-score of the log-odds ratio of each word between two texts (Monroe et al. 2008, equations 16, 19 and 22).

    Parameters
    ----------
    own, there : array of shape (n_words,)
        Times that each word is used.
    prior : array of shape (n_words,)
        Pseudo-counts, above 0.
    """
    weight = prior.sum()
    mine, other = own + prior, others + prior
    ratio = np.log(mine / (own.sum() + weight - mine)) - np.log(other / (others.sum() + weight - other))
    return ratio / np.sqrt(1 / mine + 1 / other)


def _means(reviews: pd.DataFrame, by: str) -> pd.DataFrame:
    return reviews.groupby(by, as_index=False).agg(
        reviews=("rating", "size"), stars=("rating", "mean"), sentiment=("sentiment", "mean")
    )
