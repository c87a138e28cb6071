/** Whether two lists hold the very same objects: what was worked out from one counts for the other. */

export function areSame(one: readonly object[], other: readonly object[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at])
}
