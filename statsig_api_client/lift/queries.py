"""Queries of an analysis, the same for SQLite, DuckDB and Spark.

Every source is first brought into the relation `lift_records`, one row per record:

* kind: `exposure`, `gate_exposure` or `event`
* name: the experiment of an exposure, or the name of an event
* rule: the rule ID or the group of an exposure
* unit_id: the ID of the unit, or NULL
* time: milliseconds since 1970
* environment: the environment, or NULL
* number, text: the value of an event, as a number and as a string
* f0, f1, ...: the fields of the metadata that the metrics read

From it follow `lift_units` (one row per unit and group), `lift_values` (the values of each unit),
and the sums of each group.
"""

from string import Template
from typing import Final

RECORDS: Final = Template("""
    SELECT
        CASE
            WHEN event_name IN ('statsig::config_exposure', 'statsig::layer_exposure')
                THEN 'exposure'
            WHEN event_name = 'statsig::gate_exposure' THEN 'gate_exposure'
            ELSE 'event'
        END AS kind,
        CASE event_name
            WHEN 'statsig::config_exposure' THEN config
            WHEN 'statsig::layer_exposure' THEN allocated_experiment
            ELSE event_name
        END AS name,
        coalesce(nullif(rule_id, ''), group_name) AS rule,
        nullif(unit_id, '') AS unit_id,
        $time AS time,
        environment,
        $number AS number,
        text
        $field_names
    FROM (
        SELECT
            $event_name AS event_name,
            $config AS config,
            $allocated_experiment AS allocated_experiment,
            $rule_id AS rule_id,
            $group_name AS group_name,
            $unit_id AS unit_id,
            $event_time AS event_time,
            $environment AS environment,
            $value AS text
            $fields
        FROM $documents AS documents
    ) AS parsed
""")

UNITS: Final = Template("""
    WITH exposures AS (
        SELECT unit_id, group_name, is_override, min(time) AS exposed
        FROM (
            SELECT unit_id, time, $group AS group_name, $is_override AS is_override
            FROM lift_records
            WHERE kind = 'exposure' AND name = $experiment AND unit_id IS NOT NULL AND $in_scope
        ) AS participation
        WHERE group_name IS NOT NULL OR is_override = 1
        GROUP BY unit_id, group_name, is_override
    ),
    firsts AS (
        SELECT
            unit_id,
            count(group_name) AS group_count,
            min(CASE WHEN is_override = 1 THEN exposed END) AS overridden,
            min(CASE WHEN is_override = 0 THEN exposed END) AS exposed
        FROM exposures
        GROUP BY unit_id
    )
    SELECT
        exposures.unit_id AS unit_id,
        exposures.group_name AS group_name,
        exposures.exposed AS exposed,
        $since AS since,
        firsts.group_count AS group_count,
        CASE
            WHEN firsts.exposed IS NULL OR firsts.overridden <= firsts.exposed THEN 'overridden'
            WHEN firsts.group_count > $max_groups THEN 'crossover'
            ELSE 'included'
        END AS status
    FROM exposures
    JOIN firsts ON firsts.unit_id = exposures.unit_id
    WHERE exposures.is_override = 0 OR firsts.exposed IS NULL
""")

VALUES: Final = Template("""
    SELECT units.group_name AS group_name, $aggregates
    FROM (SELECT * FROM lift_units WHERE status = 'included') AS units
    LEFT JOIN (
        SELECT unit_id, name, time, number, text $fields FROM lift_records
        WHERE kind = 'event' AND name IN ($events) AND unit_id IS NOT NULL AND $in_scope
    ) AS events
    ON events.unit_id = units.unit_id AND events.time >= units.since - $lookback
    GROUP BY units.unit_id, units.group_name
""")

FATES: Final = Template("""
    SELECT fate, count(*) AS records FROM (
        SELECT CASE
            WHEN time IS NULL OR time < $first_time OR time > $last_time THEN 'implausible_time'
            WHEN time < $start OR time >= $end THEN 'outside_period'
            WHEN NOT ($in_environment) THEN 'other_environment'
            WHEN records.unit_id IS NULL THEN 'without_unit_id'
            WHEN kind = 'exposure' AND $group IS NULL AND $is_override = 1 THEN 'overrides'
            WHEN kind = 'exposure' AND $group IS NULL THEN 'not_in_group'
            WHEN status = 'overridden' THEN 'overridden_units'
            WHEN status = 'crossover' THEN 'crossover_units'
            WHEN kind = 'exposure' THEN 'exposures'
            WHEN status IS NULL THEN 'unexposed_units'
            WHEN time < since THEN 'before_exposure'
            ELSE 'events'
        END AS fate
        FROM (
            SELECT kind, rule, unit_id, time, environment FROM lift_records
            WHERE (kind = 'exposure' AND name = $experiment)
                OR (kind = 'event' AND name IN ($events))
        ) AS records
        LEFT JOIN (
            SELECT unit_id, min(since) AS since, min(status) AS status
            FROM lift_units GROUP BY unit_id
        ) AS units
        ON units.unit_id = records.unit_id
    ) AS fates
    GROUP BY fate
""")

UNIT_COUNTS: Final = """
    SELECT group_name, status, count(*) AS units
    FROM lift_units GROUP BY group_name, status
"""

CROSSOVERS: Final = """
    SELECT
        count(DISTINCT unit_id) AS units,
        count(DISTINCT CASE WHEN group_count > 1 THEN unit_id END) AS crossovers
    FROM lift_units WHERE status <> 'overridden'
"""

NAMES: Final = """
    SELECT kind, name, count(*) AS records FROM lift_records GROUP BY kind, name
"""

FIRST_EXPOSURE: Final = """
    SELECT min(exposed) AS exposed FROM lift_units WHERE status = 'included'
"""

LAST_TIME: Final = Template("""
    SELECT max(time) AS last_time FROM lift_records
    WHERE $in_scope AND (name = $experiment OR name IN ($events))
""")

NONZERO: Final = Template("SELECT count(*) AS units FROM lift_values WHERE $column <> 0")

FROM_TOP: Final = Template("""
    SELECT $column FROM lift_values WHERE $column <> 0 ORDER BY $column DESC LIMIT 1 OFFSET $skip
""")

CENTERS: Final = Template("""
    SELECT group_name, $averages FROM lift_values $where GROUP BY group_name
""")

SUMS: Final = Template("""
    SELECT group_name, count(*) AS units, sum(CASE WHEN covering <> 0 THEN 1 ELSE 0 END), $sums
    FROM (SELECT group_name, $last AS covering, $centered FROM lift_values $where) AS centered
    GROUP BY group_name
""")
