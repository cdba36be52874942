"""The tables of map.duckdb, and the questions asked of them."""

VERSION = 4
"""Of the tables; a map of another version is built anew from sources and logs."""

TABLES = """
CREATE TABLE meta (key VARCHAR, value VARCHAR);
COMMENT ON TABLE meta IS
    'version, fingerprint, map_scorer, map_is_fitted. wrong_share: assumed; rho, rho_by_source: estimated.
     weights: of the scorers in the mean margin. accuracy: how often that has the true sign. read: verdicts learnt from.
     reliability: bins [samples, mean suspicion, share wrong] of what was read, and the calibration error.
     logs: how far each log went, scores by size in bytes, reviews by lines; head: hash of the last line.';

CREATE TABLE sample (
    ordinal INTEGER, sample_id VARCHAR, content_id VARCHAR, prompt_id VARCHAR,
    file VARCHAR, "row" INTEGER, source VARCHAR, flags VARCHAR, prompt VARCHAR, responses INTEGER, votes VARCHAR,
    tools VARCHAR);
COMMENT ON TABLE sample IS
    'ordinal: place in source order, from 0. content_id: shared by exact duplicates. flags: joined by commas.
     prompt: JSON list of [role, content]. votes: JSON, annotator to preferred position, null for a tie.';

CREATE TABLE response (
    ordinal INTEGER, position INTEGER, response_id VARCHAR, text VARCHAR, system VARCHAR, turns VARCHAR,
    extra VARCHAR);
COMMENT ON TABLE response IS
    'ordinal: of the sample. position: in source order, from 0; in pair formats 0 is chosen, 1 rejected.
     turns: JSON list of [role, content] that stands before this text alone.';

CREATE TABLE label (ordinal INTEGER, position INTEGER, value DOUBLE);
COMMENT ON TABLE label IS 'What the dataset says of each response; higher is better, null where it says nothing.';

CREATE TABLE score (
    scorer VARCHAR, response_id VARCHAR, value DOUBLE, reason VARCHAR, final BOOLEAN, rationale VARCHAR);
COMMENT ON TABLE score IS
    'What each scorer says of each response; higher is better, null with a reason. final: it can never have a value.
     rationale: why, in the words of a judge, part by part.';

CREATE TABLE point (
    scorer VARCHAR, ordinal INTEGER, quality DOUBLE, variability DOUBLE, cosine DOUBLE, pearson DOUBLE, tau_b DOUBLE,
    exp_kl DOUBLE, covariance DOUBLE, margin DOUBLE, region VARCHAR);
COMMENT ON TABLE point IS
    'One map per scorer. variability: population variance. margin: difference of scores z-scored per scorer.';

CREATE TABLE cut (
    scorer VARCHAR, axis VARCHAR, value DOUBLE, rule VARCHAR, ties VARCHAR, samples INTEGER, nulls INTEGER);
COMMENT ON TABLE cut IS 'Thresholds of the regions: samples were ranked for each, nulls could not be placed.';

CREATE TABLE suspicion (
    ordinal INTEGER, chosen INTEGER, rejected INTEGER, margin DOUBLE, suspicion DOUBLE, against INTEGER,
    scorers INTEGER, place INTEGER);
COMMENT ON TABLE suspicion IS
    'Per sample over all scorers: the pair by position, weighted mean margin, probability that the label is wrong,
     and how many of the scorers that have a margin stand against the label. place: in the queue, from 0.';

CREATE TABLE verdict (
    content_id VARCHAR, reviewer VARCHAR, verdict VARCHAR, preferred VARCHAR, rejected VARCHAR, "time" VARCHAR,
    bulk BOOLEAN, adjudicates BOOLEAN);
COMMENT ON TABLE verdict IS
    'The standing verdict of each reviewer, as the logs in reviews/ had it. preferred, rejected: response ids.
     bulk: nobody read the sample for it. adjudicates: it settles what reviewers differ on.';
"""

SCORE_LINES = """
CREATE OR REPLACE TEMP TABLE line AS SELECT row_number() OVER () AS place, * FROM read_json(
    $path, format = 'newline_delimited', ignore_errors = true,
    columns = {'kind': 'VARCHAR', 'response': 'VARCHAR', 'value': 'DOUBLE', 'reason': 'VARCHAR', 'final': 'BOOLEAN',
               'part': 'VARCHAR', 'parts': 'INTEGER', 'number': 'INTEGER', 'of': 'INTEGER', 'rationale': 'VARCHAR'})
"""
"""A score log as it stands; a line that is no JSON comes out as nulls."""

DROP_LAST_LINE = "DELETE FROM line WHERE place = (SELECT max(place) FROM line)"

BROKEN_LINE = "SELECT min(place) FROM line WHERE kind IS NULL AND response IS NULL HAVING count(*) > 0"

DROP_LINES = "DROP TABLE line"

LOG_LINES = """
CREATE OR REPLACE TEMP TABLE known (
    rank BIGINT, response VARCHAR, value DOUBLE, reason VARCHAR, final BOOLEAN, part VARCHAR, parts INTEGER,
    number INTEGER, "of" INTEGER, rationale VARCHAR)
"""
"""What all logs of one scorer say of the responses of the dataset. rank: of two lines about the same the higher one
counts. A line that has a value goes before one that has none, then the last line of the last log."""

HAS_VALUE = 1 << 62
"""Is added to a rank where there is a value; the rest of the rank is the age of the line."""

ADD_LINES = f"""
INSERT INTO known SELECT
    if(value IS NULL, 0, {HAS_VALUE}) + ($log::BIGINT << 44) + place, response, value, coalesce(reason, ''),
    coalesce(final, false), coalesce(part, ''), coalesce(parts, 1), coalesce(number, 0), coalesce("of", 1),
    coalesce(rationale, '')
FROM line WHERE response IN (SELECT response_id FROM response)
"""

SORT_LINES = "CREATE OR REPLACE TEMP TABLE known AS FROM known ORDER BY response"
"""So that a slice of ids lies in one place, and the rest need not be read for it."""

COUNT_LINES = "SELECT count(*) FROM known"

NEWEST_SCORES = f"""
INSERT INTO score
WITH slice AS (FROM known WHERE response >= $start AND response < $end),
newest AS (FROM slice WHERE rank IN (SELECT max(rank) FROM slice GROUP BY response, part, number)),
repeated AS (SELECT DISTINCT response, part FROM newest WHERE number > 0),
part AS (
    SELECT response, part, parts, rank % {HAS_VALUE} AS age, if("of" <= 1, value, NULL) AS value,
           if(value IS NULL, reason, '') AS reason, final AND value IS NULL AS final, rationale
    FROM newest ANTI JOIN repeated USING (response, part)
    UNION ALL
    SELECT response, part, max(parts), max(rank % {HAS_VALUE}),
           CASE WHEN count(value) >= arg_max("of", rank % {HAS_VALUE}) THEN avg(value ORDER BY number) END,
           coalesce(max(reason) FILTER (value IS NULL), ''),
           bool_or(final AND value IS NULL), min(rationale ORDER BY number)
    FROM newest SEMI JOIN repeated USING (response, part) GROUP BY response, part)
SELECT $scorer, response, CASE WHEN count(value) >= arg_max(parts, age) THEN avg(value ORDER BY part) END,
       coalesce(max(reason) FILTER (value IS NULL), ''), bool_or(final AND value IS NULL),
       string_agg(CASE WHEN part = '' THEN rationale ELSE part || ': ' || rationale END, chr(10) ORDER BY part)
           FILTER (rationale <> '')
FROM part GROUP BY response ORDER BY response
"""
"""The score of each response of a slice of ids: the mean of its parts, each the mean of its answers."""

ALIGNED_SCORES = """
SELECT score.value FROM response LEFT JOIN score ON score.response_id = response.response_id AND score.scorer = $scorer
ORDER BY response.ordinal, response.position
"""

FROM_SAMPLES = """
FROM sample JOIN suspicion USING (ordinal)
LEFT JOIN point ON point.ordinal = sample.ordinal AND point.scorer = $map_scorer
"""

SAMPLE = """
SELECT sample_id, prompt, prompt_id, source, votes, tools, flags, file, "row" FROM sample WHERE ordinal = $ordinal
"""

RESPONSES = """
SELECT response_id, text, value, system, turns, extra FROM response JOIN label USING (ordinal, position)
WHERE ordinal = $ordinal ORDER BY position
"""

SCORES = "SELECT scorer, response_id, value, reason FROM score WHERE response_id IN (SELECT unnest($ids::VARCHAR[]))"

NAMED = {
    "source": "SELECT ordinal, source AS name FROM sample",
    "region": "SELECT ordinal, region AS name FROM point WHERE scorer = $map_scorer",
}
"""Names of samples, in any order."""

NAMES = "SELECT DISTINCT name FROM ({named}) WHERE name IS NOT NULL ORDER BY name"

CODES = f"""
SELECT ordinal, code FROM ({{named}}) JOIN (SELECT name, row_number() OVER (ORDER BY name) - 1 AS code FROM ({NAMES}))
USING (name)
"""
"""The place of each name in NAMES."""

MARGINS = """
SELECT if(suspicion.margin IS NULL, NULL, point.margin) AS margin
FROM point JOIN suspicion USING (ordinal) WHERE scorer = $scorer ORDER BY ordinal
"""

PLACED = """
SELECT quality, variability, margin
FROM sample LEFT JOIN point ON point.ordinal = sample.ordinal AND point.scorer = $scorer ORDER BY sample.ordinal
"""

ENTRY_COLUMNS = f"""
SELECT sample.ordinal, sample.sample_id, sample.content_id, sample.file, sample."row", suspicion.suspicion,
       point.quality, point.variability, point.cosine, suspicion.margin, point.region, suspicion.chosen,
       suspicion.rejected, suspicion.against, suspicion.scorers, sample.source, sample.flags
{FROM_SAMPLES}
"""

DISAGREEMENT = """(SELECT CASE WHEN count(other.margin) > 1 THEN max(other.margin) - min(other.margin) END
FROM point AS other WHERE other.ordinal = sample.ordinal AND other.scorer <> 'ensemble')"""
"""How far the margins of the single scorers lie apart."""

BY_SUSPICION = "SELECT ordinal, place FROM suspicion"

ORDERS = {
    "suspicion": "suspicion.place",
    "margin": "suspicion.margin NULLS LAST",
    "correlation": "point.cosine NULLS LAST",
    "quality": "point.quality NULLS LAST",
    "variability": "point.variability DESC NULLS LAST",
    "disagreement": f"{DISAGREEMENT} DESC NULLS LAST",
    "region": "point.region NULLS LAST, suspicion.place",
    "random": "md5('queue' || sample.sample_id)",
    "source": "sample.ordinal",
}
"""Ways to order the queue; ties go by id."""

OF_POINT = "SELECT ordinal, {} AS value FROM point WHERE scorer = $map_scorer"
SIDE = """
SELECT suspicion.ordinal, length(text) AS value FROM suspicion JOIN response ON response.ordinal = suspicion.ordinal
    AND response.position = suspicion.{}
"""

NUMBERS = {
    "suspicion": "SELECT ordinal, suspicion AS value FROM suspicion",
    "margin": "SELECT ordinal, margin AS value FROM suspicion",
    "against": "SELECT ordinal, against AS value FROM suspicion",
    "disagreement": "SELECT ordinal, max(margin) - min(margin) AS value FROM point WHERE scorer <> 'ensemble' "
                    "GROUP BY ordinal HAVING count(margin) > 1",
    "quality": OF_POINT.format("quality"),
    "variability": OF_POINT.format("variability"),
    "correlation": OF_POINT.format("cosine"),
    "responses": "SELECT ordinal, responses AS value FROM sample",
    "turns": "SELECT ordinal, json_array_length(prompt) AS value FROM sample",
    "row": 'SELECT ordinal, "row" AS value FROM sample',
    "len": "SELECT ordinal, max(length(text)) AS value FROM response GROUP BY ordinal",
    "len_chosen": SIDE.format("chosen"),
    "len_rejected": SIDE.format("rejected"),
}  # fmt: skip
"""Numbers of samples, in any order: to sort a million rows takes longer than to read them."""

TEXTS = {
    name: (f"contains(lower({column}), lower($word))", f"lower({column}) = lower($word)", f"{column} <> ''")
    for name, column in {"source": "sample.source", "file": "sample.file", "region": "point.region"}.items()
} | {
    "flag": (
        "contains(lower(sample.flags), lower($word))",
        "list_contains(string_split(lower(sample.flags), ','), lower($word))",
        "sample.flags <> ''",
    ),
    "id": ("starts_with(sample.sample_id, lower($word))", "sample.sample_id = lower($word)", "true"),
}
"""Tests of a text column: it contains a word, it is the word, it has any."""

IN_PROMPT = """
SELECT ordinal FROM sample WHERE CASE WHEN regexp_matches(prompt, $escaped)
    THEN len(list_filter(prompt ->> '$[*][1]', lambda part: regexp_matches(part, $pattern))) > 0 ELSE false END
"""
"""The JSON is searched first, and taken apart only where it holds the text anywhere."""

IN_RESPONSE = """
SELECT ordinal FROM response WHERE regexp_matches(text, $pattern) OR CASE WHEN regexp_matches(turns, $escaped)
    THEN len(list_filter(turns ->> '$[*][1]', lambda part: regexp_matches(part, $pattern))) > 0 ELSE false END
"""

CONTAINING = {
    "prompt": f"{IN_PROMPT} ORDER BY ordinal",
    "response": f"SELECT DISTINCT ordinal FROM ({IN_RESPONSE}) ORDER BY ordinal",
    "text": f"{IN_PROMPT} UNION {IN_RESPONSE} ORDER BY ordinal",
}

LABELS = """
SELECT ('0x' || content_id)::UBIGINT AS content, ordinal, suspicion FROM sample JOIN suspicion USING (ordinal)
WHERE chosen IS NOT NULL ORDER BY ordinal
"""

SOURCES = """
SELECT dense_rank() OVER (ORDER BY name) - 1 AS number
FROM (SELECT ordinal, if(count(*) OVER (PARTITION BY source) >= $fewest, source, '') AS name FROM sample)
ORDER BY ordinal
"""
"""A number for the source of each sample; small ones are taken together."""

WORDS = """
SELECT ordinal, concat_ws(' ', left(prompt ->> '$[#-1][1]', $length), texts) AS words
FROM sample JOIN (
    SELECT ordinal, string_agg(left(text, $length), ' ' ORDER BY position) AS texts FROM response
    WHERE ordinal IN (SELECT unnest($wanted::INTEGER[])) GROUP BY ordinal
) USING (ordinal) ORDER BY ordinal
"""
"""The beginnings of the last turn and of all responses."""

LABELLED = """
SELECT sample.ordinal, sample.sample_id, chosen.response_id AS chosen, rejected.response_id AS rejected
FROM wanted JOIN sample ON sample.ordinal = wanted.value JOIN suspicion USING (ordinal)
LEFT JOIN response AS chosen ON chosen.ordinal = sample.ordinal AND chosen.position = suspicion.chosen
LEFT JOIN response AS rejected ON rejected.ordinal = sample.ordinal AND rejected.position = suspicion.rejected
"""


def make_pattern(text: str) -> str:
    """Write a text as a regular expression that finds it in either case; far quicker than making all texts lower."""
    return "".join(map(_either_case, text))


def _either_case(character: str) -> str:
    cases = sorted({one for one in (character, character.lower(), character.upper()) if len(one) == 1})
    return "[" + "".join(f"\\x{{{ord(one):x}}}" for one in cases) + "]"
