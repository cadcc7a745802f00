import { binomialTail, logGamma } from "./binomial.ts";

/** What became of independent pairs: how many lost (a loss of 1) and gained (a loss of -1) among all of them. */
export interface PairedCounts {
  readonly lost: number;
  readonly gained: number;
  readonly images: number;
}

/**
 * Outcomes that speak against "a drop of `alpha` or more" at least as much as an observed one: with so many gained, at most
 * so many lost; by the number of gained. -1: none.
 */
export interface Region {
  readonly mostLost: Int32Array;
  readonly images: number;
}

/** Probabilities of single counts below which those further out are left out; all of them together are added at the end. */
const negligible = 1e-15;
const leftOut = 1e-10;

/**
 * The lost less `alpha n`, in units of its standard deviation under the likeliest drop of exactly `alpha`; the lower, the more
 * it speaks for a smaller drop. It rises with the lost as long as it is negative.
 *
 * Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
 * design", Statistics in Medicine 1998.
 */
export function pairedScore({ lost, gained, images }: PairedCounts, alpha: number): number {
  const linear = lost * (1 - alpha) + gained * (1 - 3 * alpha) - 2 * (images - lost - gained) * alpha;
  const root = Math.sqrt(linear * linear + 8 * images * gained * alpha * (1 - alpha));
  const variance = (linear + root) / (2 * images) + alpha - alpha * alpha;
  const surplus = lost - gained - images * alpha;
  if (variance > 0) return surplus / Math.sqrt(images * variance);
  return surplus < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The outcomes with a score no higher than an observed, negative one, for up to `mostGained` that gained. */
export function regionBelow(observed: PairedCounts, alpha: number, mostGained: number): Region {
  const { images } = observed;
  const limit = pairedScore(observed, alpha) + 1e-12;
  const mostLost = new Int32Array(mostGained + 1);
  let most = -1;
  for (let gained = 0; gained <= mostGained; gained++) {
    while (most < images - gained && pairedScore({ lost: most + 1, gained, images }, alpha) <= limit) most++;
    mostLost[gained] = Math.min(most, images - gained);
  }
  return { mostLost, images };
}

/**
 * Probability of a region where a pair loses with probability `losing` and gains with probability `gaining`, rounded up by no
 * more than 1e-10: the sum over the gained of `P(gained) P(lost <= most | gained)`, both binomial.
 */
export function regionProbability({ mostLost, images }: Region, losing: number, gaining: number): number {
  const mode = Math.min(mostLost.length - 1, Math.floor((images + 1) * gaining));
  const falling = gaining / (1 - gaining);
  let first = mode;
  let weight = Math.exp(logBinomial(mode, images, gaining));
  for (; first > 0 && weight > negligible; first--) weight *= first / ((images - first + 1) * falling);
  const lost = new Tail(losing / (1 - gaining));
  let total = 0;
  for (let gained = first; gained < mostLost.length; gained++) {
    if (gained > mode && weight < negligible) break;
    total += weight * lost.at(mostLost[gained]!, images - gained);
    weight *= ((images - gained) / (gained + 1)) * falling;
  }
  return Math.min(1, total + leftOut);
}

/** `P(Bin(n, p) <= k)` where n falls one by one and k rises: from one to the next by their terms. */
class Tail {
  readonly #p: number;
  #k = -1;
  #n = 0;
  /** `P(Bin(n, p) = k)`, and the tail; a term that is all but zero says nothing of the next ones. */
  #term = 0;
  #tail = 0;

  constructor(p: number) {
    this.#p = p;
  }

  at(k: number, n: number): number {
    if (this.#term < 1e-200 || k < this.#k || n !== this.#n - 1) this.#start(k, n);
    else this.#follow(k, n);
    return this.#tail;
  }

  #start(k: number, n: number): void {
    [this.#k, this.#n] = [k, n];
    this.#tail = binomialTail(k, n, this.#p);
    this.#term = k < 0 || k > n ? 0 : Math.exp(logBinomial(k, n, this.#p));
  }

  #follow(k: number, n: number): void {
    const p = this.#p;
    this.#term *= (this.#n - this.#k) / (this.#n * (1 - p));
    this.#tail += p * this.#term;
    this.#n = n;
    while (this.#k < k) {
      this.#term *= ((n - this.#k) / (this.#k + 1)) * (p / (1 - p));
      this.#tail += this.#term;
      this.#k++;
    }
  }
}

/** Natural logarithm of `P(Bin(n, p) = k)`. */
function logBinomial(k: number, n: number, p: number): number {
  if (p <= 0) return k === 0 ? 0 : Number.NEGATIVE_INFINITY;
  if (p >= 1) return k === n ? 0 : Number.NEGATIVE_INFINITY;
  const ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  return ways + k * Math.log(p) + (n - k) * Math.log1p(-p);
}
