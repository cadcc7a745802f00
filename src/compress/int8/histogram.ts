import { ModelError } from "../../errors.ts";

/** Bins of every histogram, whatever it has seen. */
export const binCount = 2048;

/**
 * A streaming histogram in fixed memory.
 *
 * Bins are as wide as a power of two and start at multiples of it, so a range that grows only ever merges neighbouring
 * bins, exactly. The state is a function of the multiset of values seen: neither order nor batching changes it, and
 * merging is associative. Exact zeros, half of all values behind a Relu, are counted apart, for they quantise exactly.
 */
export class Histogram {
  readonly counts = new Float64Array(binCount);
  /** How many values were exactly zero; these are in no bin. */
  zeros = 0;
  /** Smallest and largest value seen; +Infinity and -Infinity before the first. */
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Bin i spans [(first + i) width, (first + i + 1) width). */
  first = 0;
  width = 0;

  /** Number of values seen. */
  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, this.zeros);
  }

  /** Bytes that the histogram holds. */
  get bytes(): number {
    return this.counts.byteLength;
  }

  /** The middle of bin i. */
  centre(i: number): number {
    return (this.first + i + 0.5) * this.width;
  }

  /** Counts values. Throws ModelError on NaN and infinity. */
  add(values: Float32Array): void {
    if (values.length === 0) return;
    const [min, max] = extremes(values);
    this.#cover(min, max);
    const { counts, first } = this;
    const perWidth = 1 / this.width;
    let zeros = 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at]!;
      if (value === 0) zeros++;
      else counts[Math.floor(value * perWidth) - first]!++;
    }
    this.zeros += zeros;
  }

  /** Counts everything that another histogram has counted. */
  merge(other: Histogram): void {
    if (other.width === 0) return;
    this.#cover(other.min, other.max);
    this.zeros += other.zeros;
    this.#move(other.counts, other.first, other.width);
  }

  /** Widens the range until it holds both values. */
  #cover(min: number, max: number): void {
    if (min >= this.min && max <= this.max) return;
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    const width = Math.max(this.width, narrowestWidth(this.min, this.max));
    const old = { counts: this.counts.slice(), first: this.first, width: this.width };
    this.counts.fill(0);
    this.first = Math.floor(this.min / width);
    this.width = width;
    this.#move(old.counts, old.first, old.width);
  }

  /** Adds counts of bins that are at most as wide. */
  #move(counts: Float64Array, first: number, width: number): void {
    const shrink = width / this.width;
    for (const [i, count] of counts.entries()) {
      if (count > 0) this.counts[Math.floor((first + i) * shrink) - this.first]! += count;
    }
  }
}

function extremes(values: Float32Array): [min: number, max: number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  if (!Number.isFinite(sum))
    throw new ModelError("gives NaN or infinity on a calibration image; check the preprocessing");
  return [min, max];
}

/** The smallest power of two at which aligned bins hold [min, max]. */
function narrowestWidth(min: number, max: number): number {
  const span = Math.max(max - min, Math.max(Math.abs(min), Math.abs(max)) * 2 ** -24, 2 ** -100);
  let width = 2 ** Math.floor(Math.log2(span / binCount));
  while (Math.floor(max / width) - Math.floor(min / width) >= binCount) width *= 2;
  return width;
}
