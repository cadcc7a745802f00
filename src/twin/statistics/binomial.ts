import { bisect, firstWhere } from "./search.ts";

/**
 * Exact binomial tails and bounds. The regularised incomplete beta function comes from its continued fraction (NIST DLMF
 * 8.17.22, evaluated by Lentz's method), log-gamma from Stirling's series (DLMF 5.11.1), quantiles from bisection.
 */

/** Numerators and denominators of B_2k / (2k (2k - 1)), the coefficients of Stirling's series. */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156] as const;

/** Natural logarithm of the gamma function for x > 0; relative error about 1e-15. */
export function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 12; y++) shift += Math.log(y);
  let series = 0;
  for (let k = stirling.length - 1; k >= 0; k--) series = series / (y * y) + stirling[k]!;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series / y - shift;
}

/** Regularised incomplete beta function `I_x(a, b)` for a, b > 0 and x in [0, 1]. */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return x < (a + 1) / (a + b + 2) ? betaFraction(a, b, x) : 1 - betaFraction(b, a, 1 - x);
}

/** The continued fraction with its prefactor; converges fast for x < (a + 1) / (a + b + 2). */
function betaFraction(a: number, b: number, x: number): number {
  const front = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  let c = 1;
  let d = nonZero(1 - ((a + b) * x) / (a + 1)) ** -1;
  let fraction = d;
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = nonZero(1 + even * d) ** -1;
    c = nonZero(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = nonZero(1 + odd * d) ** -1;
    c = nonZero(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return (Math.exp(front) * fraction) / a;
}

/** Keeps Lentz's method away from a division by zero. */
function nonZero(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}

/** `P(Bin(n, p) <= k)`. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return incompleteBeta(n - k, k + 1, 1 - p);
}

/**
 * Largest p that k of n leaves possible, in the sense `P(Bin(n, p) <= k) >= delta`: an upper confidence bound that misses
 * the truth with probability delta at most.
 *
 * Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
 * binomial", Biometrika 1934.
 */
export function binomialUpperBound(k: number, n: number, delta: number): number {
  if (k >= n) return 1;
  return bisect((p) => binomialTail(k, n, p) >= delta, 0, 1);
}

/** The lower counterpart: misses the truth with probability delta at most. */
export function binomialLowerBound(k: number, n: number, delta: number): number {
  return k <= 0 ? 0 : 1 - binomialUpperBound(n - k, n, delta);
}

/** Largest k with `P(Bin(n, p) <= k) <= delta`; -1 when not even k = 0 has it. */
export function largestCount(n: number, p: number, delta: number): number {
  return firstWhere((above) => binomialTail(above - 1, n, p) > delta) - 2;
}
