/** Thrown for files that this decoder leaves to the general one: progressive, unusual, or broken. */
export class Declined extends Error {}
