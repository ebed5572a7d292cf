// Data of the server in components, fetched again when the server reports a change.
import { useEffect, useRef, useState } from "preact/hooks";
import { subscribe } from "./stream.js";

/** @typedef {import("./stream.js").Counts} Counts */
/** @typedef {import("./api.js").Recorded} Recorded */

/** @type {Counts} */
const NOTHING = { started: 0, project: 0, faults: 0, recorded: 0, unknownNames: 0 };
let counts = NOTHING;
subscribe((message) => {
  if (message.type === "change") counts = message.counts;
});

/** Return the numbers of changes, and render again when one changes. */
export function useCounts() {
  const [known, setKnown] = useState(counts);
  useEffect(
    () =>
      subscribe((message) => {
        if (message.type === "change") setKnown(message.counts);
      }),
    [],
  );
  return known;
}

/**
 * Call a function for each recorded event.
 * @param {(event: Recorded) => void} handle
 */
export function useRecorded(handle) {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(
    () =>
      subscribe((message) => {
        if (message.type === "recorded") latest.current(message.event);
      }),
    [],
  );
}

/**
 * Load data, and load it again when a dependency changes. Old data stays until the new one arrives.
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown[]} dependencies
 * @returns {{data: T | null, error: string, reload: () => void}}
 */
export function useResource(load, dependencies) {
  const [state, setState] = useState({ data: /** @type {T | null} */ (null), error: "" });
  const [reloads, setReloads] = useState(0);
  useEffect(() => {
    let current = true;
    load().then(
      (data) => current && setState({ data, error: "" }),
      (error) => current && setState(({ data }) => ({ data, error: error.message })),
    );
    return () => {
      current = false;
    };
  }, [...dependencies, reloads]);
  return { ...state, reload: () => setReloads((number) => number + 1) };
}

/**
 * Return a value once it has not changed for some milliseconds.
 * @template T
 * @param {T} value
 * @param {number} delay
 */
export function useDelayed(value, delay) {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(value), delay);
    return () => clearTimeout(timer);
  }, [value, delay]);
  return delayed;
}
