// Values of a lift report, and how they are shown.

/** @typedef {import("./api.js").LiftReport} LiftReport */
/** @typedef {LiftReport["results"][number]} Result */

/**
 * Return the interval that decides: the sequential one until the planned units are reached.
 * @param {Result} result
 */
export const interval = (result) => (result.is_complete ? result.rel_interval : result.sequential_rel_interval);

/** @param {Result[]} results */
export const confidence = (results) => [...new Set(results.map((result) => `${Number(((1 - result.alpha) * 100).toPrecision(3))}% intervals`))].join(", ");

/**
 * @param {number} fraction
 * @param {number} [digits]
 */
export const percent = (fraction, digits = 1) => `${fraction < 0 ? "−" : "+"}${Math.abs(fraction * 100).toFixed(digits)}%`;

/**
 * @param {number | null | undefined} value
 * @param {string} unbounded
 */
export const bound = (value, unbounded) => (value === null || value === undefined ? unbounded : percent(value));

/**
 * @param {number | null} value
 * @param {number} [digits]
 */
export const short = (value, digits = 4) => (value === null ? "–" : String(Number(value.toPrecision(digits))));
