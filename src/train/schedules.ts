/** Learning rate by progress: 0 at the first step, 1 after the last. */
export type Schedule = (progress: number) => number;

/**
 * A straight line up to `peak` at `peakAt`, and one down to `end * peak`.
 *
 * Source: Smith, "Super-convergence", 2018; the triangle of Page, "How to train your ResNet", 2018.
 */
export function triangular({ peak, start = 0.1, peakAt = 0.2, end = 0 }: TriangularOptions): Schedule {
  return (progress) =>
    progress < peakAt
      ? peak * interpolate(start, 1, progress / peakAt)
      : peak * interpolate(1, end, (progress - peakAt) / (1 - peakAt));
}

export interface TriangularOptions {
  /** The largest learning rate. */
  readonly peak: number;
  /** Learning rate at the start, as a share of the peak; default 0.1. */
  readonly start?: number;
  /** Progress at which the peak is reached; default 0.2. */
  readonly peakAt?: number;
  /** Learning rate at the end, as a share of the peak; default 0. */
  readonly end?: number;
}

/**
 * A straight line up to `peak` at `peakAt`, then half a cosine wave down to zero.
 *
 * Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
 */
export function cosine({ peak, peakAt = 0.05 }: { readonly peak: number; readonly peakAt?: number }): Schedule {
  return (progress) =>
    progress < peakAt
      ? (peak * progress) / peakAt
      : (peak * (1 + Math.cos((Math.PI * (progress - peakAt)) / (1 - peakAt)))) / 2;
}

/**
 * Half a cosine wave up to `peak` at `peakAt`, and one down to `end * peak`: the learning rate of one cycle. Momentum stays.
 *
 * Source: Smith, Topin, "Super-convergence", 2018.
 */
export function oneCycle({ peak, start = 0.04, peakAt = 0.3, end = 4e-6 }: OneCycleOptions): Schedule {
  return (progress) =>
    progress < peakAt
      ? peak * interpolate(start, 1, wave(progress / peakAt))
      : peak * interpolate(1, end, wave((progress - peakAt) / (1 - peakAt)));
}

export interface OneCycleOptions {
  /** The largest learning rate. */
  readonly peak: number;
  /** Learning rate at the start, as a share of the peak; default 0.04. */
  readonly start?: number;
  /** Progress at which the peak is reached; default 0.3. */
  readonly peakAt?: number;
  /** Learning rate at the end, as a share of the peak; default 4e-6. */
  readonly end?: number;
}

/** From 0 to 1 by half a cosine wave. */
const wave = (share: number): number => (1 - Math.cos(Math.PI * share)) / 2;

const interpolate = (from: number, to: number, share: number): number => from + (to - from) * share;
