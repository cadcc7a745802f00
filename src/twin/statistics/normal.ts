import { bisect } from "./search.ts";

/** `P(|Z| <= z)` of a standard normal Z, by the series of the error function (NIST DLMF 7.6.2), z up to about 8. */
export function normalCoverage(z: number): number {
  const square = z * z;
  let term = z * Math.sqrt(2 / Math.PI) * Math.exp(-square / 2);
  let sum = 0;
  for (let k = 1; term > sum * 1e-17; k++) {
    sum += term;
    term *= square / (2 * k + 1);
  }
  return sum;
}

/** The z with `P(|Z| <= z) = level`: 1.96 for 0.95. */
export function normalQuantile(level: number): number {
  return bisect((z) => normalCoverage(z) < level, 0, 8);
}
