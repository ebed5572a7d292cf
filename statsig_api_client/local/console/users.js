// The users to evaluate. They are in the memory of the page only: not in the address, not stored.

/** @typedef {Record<string, unknown>} User */

/** @type {{first: User, second: User | null}} */
export const users = { first: { userID: "42" }, second: null };

/**
 * Show who gets what for a user.
 * @param {User} user
 */
export function evaluateUser(user) {
  users.first = user;
  users.second = null;
  location.hash = "#/who";
}
